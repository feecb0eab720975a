//! What is spoken with the target.

use crate::support::{Authority, Balancer, Reply, Server, run};
use rushhour::history::{ConnectionUse, Outcome};

/// HAProxy offers HTTP/2 first, and says in a header what it was spoken to.
const FRONT: &str = "
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend front
    bind @ADDRESS@ ssl crt @CERTIFICATE@ alpn h2,http/1.1
    http-request set-var(txn.version) req.ver
    http-response set-header x-spoken %[var(txn.version)]
    default_backend application
backend application
    server one @SERVER@
";

#[test]
fn http2_is_spoken_where_it_is_negotiated_and_not_where_the_profile_says_no() {
    let server = Server::start(|request| match request.header("cookie") {
        None => Reply::with("200 OK", "Set-Cookie: sid=7; Path=/; Secure\r\nX-Instance: i-1\r\n", "hello"),
        Some(_) => Reply::ok("welcome back"),
    });
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, ca) = (file("bundle.pem", &authority.bundle()), file("ca.pem", &authority.pem));
    let backend = server.url().replace("http://", "");
    let config = FRONT.replace("@CERTIFICATE@", &certificate).replace("@SERVER@", &backend);
    let balancer = Balancer::start(folder.path(), &config);
    for (setting, spoken) in [("auto", "2.0"), ("1.1", "1.1")] {
        let profile = format!(
            r#"
            target = {{ url = "https://{address}", ca_file = "{ca}", instance = {{ header = "x-instance" }} }}
            users = {{ generate = 100 }}
            workload = {{ arrivals = "even", stages = ["60/s for 1s"], max_sessions = 60 }}
            fleet = {{ provider = "observe" }}
            connections = {{ http = "{setting}" }}

            [[scenarios]]
            name = "visit"

            [[scenarios.steps]]
            name = "first"
            get = "/"
            expect = {{ status = 200, header = {{ x-spoken = "{spoken}" }}, body_contains = "hello" }}

            [[scenarios.steps]]
            name = "second"
            get = "/again"
            expect = {{ status = 200, header = {{ x-spoken = "{spoken}" }}, body_contains = "welcome back" }}
            "#,
            address = balancer.address,
        );
        let ended = run(&profile);
        ended.demand_code(0);
        let rows = ended.rows();
        assert_eq!(rows.len(), 120);
        assert!(rows.iter().all(|row| row.outcome == Outcome::Ok), "{setting}: an answer is not as expected");
        let kept = rows.iter().filter(|row| row.connection == ConnectionUse::Kept).count();
        assert_eq!(kept, 60, "{setting}: the second request of a session goes over the connection of the first");
    }
}
