use super::super::certificates::Certificates;
use std::path::Path;

pub(super) const BACKEND: &str = "app";
/// What an Application Load Balancer calls its cookie, so that the affinity of the lab looks like the one in the wild.
const AFFINITY_COOKIE: &str = "AWSALB";

/// Whether the balancer sends a client back to the instance it had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    None,
    Cookie,
}

/// What HAProxy is to do for one lab.
#[derive(Clone, Debug)]
pub(super) struct Settings<'a> {
    pub(super) port: u16,
    /// Serve HTTPS with this certificate.
    pub(super) tls: Option<&'a Certificates>,
    pub(super) affinity: Affinity,
    pub(super) max_connections: u64,
}

/// HAProxy's configuration. There are no servers in it: [`super::Control`] adds them.
pub(super) fn haproxy(settings: &Settings<'_>, socket: &Path) -> String {
    let Settings { port, tls, affinity, max_connections } = settings;
    let (tls, proto) = match tls {
        Some(certificates) => (format!(" ssl crt {} alpn h2,http/1.1", certificates.bundle.display()), "https"),
        None => (String::new(), "http"),
    };
    let affinity = if *affinity == Affinity::Cookie {
        // `dynamic` makes the cookie's value from the key and the server's address: servers added at run time cannot
        // be given one of their own.
        format!("  dynamic-cookie-key rushhour\n  cookie {AFFINITY_COOKIE} insert indirect nocache dynamic\n")
    } else {
        String::new()
    };
    format!(
        "global
  stats socket {socket} mode 600 level admin
  nbthread 2
  maxconn {max_connections}
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout queue 5s
  timeout http-keep-alive 60s
  retries 2
  option redispatch 1
  http-reuse safe
frontend public
  bind 127.0.0.1:{port}{tls}
  option forwardfor
  http-request set-header X-Forwarded-Proto {proto}
  default_backend {BACKEND}
backend {BACKEND}
  balance roundrobin
  option httpchk GET /healthz
{affinity}",
        socket = socket.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Settings<'_> = Settings { port: 8080, tls: None, affinity: Affinity::None, max_connections: 1000 };

    #[test]
    fn plain() {
        insta::assert_snapshot!(haproxy(&PLAIN, Path::new("/lab/haproxy.sock")));
    }

    #[test]
    fn only_the_sticky_one_sets_a_cookie() {
        let socket = Path::new("/lab/haproxy.sock");
        assert!(!haproxy(&PLAIN, socket).contains("cookie"));
        let sticky = haproxy(&Settings { affinity: Affinity::Cookie, ..PLAIN }, socket);
        assert!(sticky.contains("cookie AWSALB insert indirect nocache dynamic\n"), "{sticky}");
    }
}
