//! A session's cookies. `cookie_store` knows the rules; what is kept beside it is the header line of the request
//! before, since most requests of a session carry the same one.

use super::compiled::AffinityNames;
use cookie_store::{Cookie, CookieExpiration, CookieStore, RawCookie};
use http::{HeaderMap, HeaderValue, header};
use time::OffsetDateTime;
use url::Url;

#[derive(Clone)]
pub struct Cookies {
    store: CookieStore,
    /// The line that goes with any path, as long as every cookie is for path `/`; good until the first expires.
    line: Option<HeaderValue>,
    line_is_for_all_paths: bool,
    line_until: Option<OffsetDateTime>,
    /// Last raw `Set-Cookie` lines that changed nothing lasting but the same again: most servers repeat theirs.
    last_set: Vec<Vec<u8>>,
    pub has_affinity: bool,
    /// Held by somebody who copied them: only the application can make them worthless.
    copied: bool,
}

impl Default for Cookies {
    fn default() -> Cookies {
        Cookies {
            store: CookieStore::default(),
            line: None,
            line_is_for_all_paths: true,
            line_until: None,
            last_set: Vec::new(),
            has_affinity: false,
            copied: false,
        }
    }
}

impl Cookies {
    /// Such as somebody has who copies them: they stay when their time has passed, unless they are taken back.
    pub fn copied() -> Cookies {
        Cookies { copied: true, ..Cookies::default() }
    }

    pub fn held(&self) -> impl Iterator<Item = &Cookie<'static>> {
        self.store.iter_unexpired()
    }

    /// All but those of these names.
    pub fn without(&self, names: &[String], url: &Url) -> Cookies {
        let mut rest = Cookies { copied: self.copied, ..Cookies::default() };
        for cookie in self.held().filter(|cookie| !names.iter().any(|name| name == cookie.name())) {
            // It was taken from the same origin before.
            let _ = rest.store.insert(cookie.clone(), url);
        }
        rest.make_line(url);
        rest
    }

    /// The `Cookie` header for a request to `url`, if there is one to send.
    pub fn header(&mut self, url: impl FnOnce() -> Url) -> Option<HeaderValue> {
        if self.line_is_for_all_paths && self.line_until.is_none_or(|until| OffsetDateTime::now_utc() < until) {
            return self.line.clone();
        }
        self.build(&url())
    }

    /// The same for a request to another origin, to which a redirect has led: not what belongs to the target.
    pub fn header_elsewhere(&self, url: &Url) -> Option<HeaderValue> {
        self.build(url)
    }

    /// Takes in the cookies of another origin's response. `base`: the target.
    pub fn take_elsewhere(&mut self, headers: &HeaderMap, url: &Url, base: &Url) {
        let mut lines = headers.get_all(header::SET_COOKIE).iter().filter_map(|raw| raw.to_str().ok()).peekable();
        if lines.peek().is_none() {
            return;
        }
        for cookie in lines.filter_map(|line| RawCookie::parse(line).ok()) {
            let _ = self.store.insert_raw(&cookie, url);
        }
        self.last_set.clear();
        self.make_line(base);
    }

    fn build(&self, url: &Url) -> Option<HeaderValue> {
        let now = OffsetDateTime::now_utc();
        line(self.store.iter_any().filter(|cookie| !cookie.expires_by(&now)), url)
    }

    /// Takes in a response's cookies. Whether an affinity cookie was among them or is held already. `base`: the target;
    /// `url`: what was asked for there, which only a cookie without a path of its own depends on.
    pub fn take(
        &mut self,
        headers: &HeaderMap,
        base: &Url,
        url: impl Fn() -> Url,
        names: &AffinityNames,
        strip: bool,
    ) -> bool {
        let mut lines = headers.get_all(header::SET_COOKIE).iter().peekable();
        let mut affinity = self.has_affinity;
        if lines.peek().is_none() {
            return affinity;
        }
        // The same lines as last time, none of which counts from now: nothing changes.
        let same = headers.get_all(header::SET_COOKIE).iter().map(HeaderValue::as_bytes).eq(self.last_set.iter());
        if same {
            return affinity;
        }
        let mut counts_from_now = false;
        for raw in lines {
            let Ok(text) = std::str::from_utf8(raw.as_bytes()) else { continue };
            let Ok(mut cookie) = RawCookie::parse(text) else { continue };
            if names.has(cookie.name()) {
                affinity = true;
                if strip {
                    continue;
                }
                self.has_affinity = true;
            }
            if self.copied && !takes_back(&cookie) {
                cookie.unset_expires();
                cookie.set_max_age(None);
            }
            counts_from_now |= cookie.max_age().is_some() || cookie.expires().is_some();
            // Refused cookies (another domain, Secure over plain HTTP) are what a browser refuses, too.
            let _ = match cookie.path() {
                Some(path) if path.starts_with('/') => self.store.insert_raw(&cookie, base),
                _ => self.store.insert_raw(&cookie, &url()),
            };
        }
        self.last_set.clear();
        if !counts_from_now {
            self.last_set.extend(headers.get_all(header::SET_COOKIE).iter().map(|v| v.as_bytes().to_vec()));
        }
        self.make_line(base);
        affinity
    }

    fn make_line(&mut self, url: &Url) {
        let now = OffsetDateTime::now_utc();
        let held = || self.store.iter_any().filter(|cookie| !cookie.expires_by(&now));
        let for_all_paths = held().all(|cookie| &*cookie.path == "/");
        let (until, line) = (held().filter_map(expiry).min(), line(held(), url));
        self.line_is_for_all_paths = for_all_paths;
        (self.line_until, self.line) = (until, line);
    }
}

/// The `Cookie` header for `url`. The store's own search parses every domain that it holds for each request; a session
/// holds a few cookies of one.
fn line<'a>(held: impl Iterator<Item = &'a Cookie<'static>>, url: &Url) -> Option<HeaderValue> {
    let mut line = String::new();
    for cookie in held.filter(|cookie| cookie.matches(url)) {
        if !line.is_empty() {
            line.push_str("; ");
        }
        line.push_str(cookie.name());
        line.push('=');
        line.push_str(cookie.value());
    }
    if line.is_empty() { None } else { HeaderValue::try_from(line).ok() }
}

/// Whether it ends the cookie of its name (RFC 6265 §5.3).
fn takes_back(cookie: &RawCookie<'_>) -> bool {
    match cookie.max_age() {
        Some(age) => !age.is_positive(),
        None => cookie.expires_datetime().is_some_and(|at| at <= OffsetDateTime::now_utc()),
    }
}

fn expiry(cookie: &Cookie<'_>) -> Option<OffsetDateTime> {
    match cookie.expires {
        CookieExpiration::AtUtc(at) => Some(at),
        CookieExpiration::SessionEnd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::compiled::AffinityNames;

    fn url(path: &str) -> Url {
        Url::parse("http://127.0.0.1:8080").unwrap().join(path).unwrap()
    }

    fn set(lines: &[&'static str]) -> HeaderMap {
        HeaderMap::from_iter(lines.iter().map(|line| (header::SET_COOKIE, HeaderValue::from_static(line))))
    }

    fn names() -> AffinityNames {
        AffinityNames::of(&["AWSALB*", "SRV"])
    }

    fn sent(cookies: &mut Cookies, path: &str) -> String {
        cookies.header(|| url(path)).map_or(String::new(), |line| line.to_str().unwrap().to_owned())
    }

    #[test]
    fn cookies_go_to_the_origin_they_came_from() {
        let mut cookies = Cookies::default();
        let (base, login) = (url("/"), Url::parse("https://login.example.org/authorise").unwrap());
        cookies.take(&set(&["sid=1; Path=/"]), &url("/"), || url("/me"), &names(), false);
        assert_eq!(cookies.header_elsewhere(&login), None);
        cookies.take_elsewhere(&set(&["sso=2; Path=/", "sid=stolen; Domain=127.0.0.1; Path=/"]), &login, &base);
        assert_eq!(cookies.header_elsewhere(&login).unwrap(), "sso=2");
        assert_eq!(sent(&mut cookies, "/me"), "sid=1");
    }

    #[test]
    fn a_cookie_without_a_path_is_for_the_folder_that_it_came_from() {
        // A path that does not begin at the root is none.
        for line in ["step=2", "step=2; Path=address"] {
            let mut cookies = Cookies::default();
            cookies.take(&set(&[line]), &url("/"), || url("/checkout/address"), &names(), false);
            assert_eq!(sent(&mut cookies, "/checkout/payment"), "step=2", "{line}");
            assert_eq!(sent(&mut cookies, "/me"), "", "{line}");
        }
    }

    #[test]
    fn a_cookie_comes_back_and_a_new_value_replaces_it() {
        let mut cookies = Cookies::default();
        assert_eq!(sent(&mut cookies, "/"), "");
        cookies.take(&set(&["sid=1; Path=/; HttpOnly"]), &url("/"), || url("/login"), &names(), false);
        assert_eq!(sent(&mut cookies, "/me"), "sid=1");
        cookies.take(&set(&["sid=2; Path=/; HttpOnly"]), &url("/"), || url("/login"), &names(), false);
        assert_eq!(sent(&mut cookies, "/me"), "sid=2");
        cookies.take(&set(&["sid=; Path=/; Max-Age=0"]), &url("/"), || url("/logout"), &names(), false);
        assert_eq!(sent(&mut cookies, "/me"), "");
    }

    #[test]
    fn who_copied_a_cookie_keeps_it_until_it_is_taken_back() {
        let mut cookies = Cookies::copied();
        let briefly = set(&["sid=1; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT; Max-Age=1", "b=2; Path=/"]);
        cookies.take(&briefly, &url("/"), || url("/login"), &names(), false);
        assert!(cookies.held().all(|cookie| expiry(cookie).is_none()));
        assert_eq!(sent(&mut cookies.without(&["b".to_owned()], &url("/")), "/me"), "sid=1");
        cookies.take(&set(&["sid=; Path=/; Max-Age=0"]), &url("/"), || url("/logout"), &names(), false);
        assert_eq!(sent(&mut cookies, "/me"), "b=2");
    }

    #[test]
    fn a_cookie_for_a_path_stays_on_it() {
        let mut cookies = Cookies::default();
        cookies.take(&set(&["a=1; Path=/shop", "b=2; Path=/"]), &url("/"), || url("/"), &names(), false);
        assert_eq!(sent(&mut cookies, "/me"), "b=2");
        let mut both: Vec<_> = sent(&mut cookies, "/shop/x").split("; ").map(str::to_owned).collect();
        both.sort();
        assert_eq!(both, ["a=1", "b=2"]);
    }

    #[test]
    fn affinity_cookies_are_told_and_stripped() {
        for (strip, expected) in [(true, "sid=1"), (false, "AWSALB=x; sid=1")] {
            let mut cookies = Cookies::default();
            let affinity =
                cookies.take(&set(&["AWSALB=x; Path=/", "sid=1; Path=/"]), &url("/"), || url("/"), &names(), strip);
            assert!(affinity);
            let mut sent: Vec<_> = sent(&mut cookies, "/").split("; ").map(str::to_owned).collect();
            sent.sort();
            assert_eq!(sent.join("; "), expected);
        }
    }

    #[test]
    fn a_cookie_of_another_domain_is_refused() {
        let mut cookies = Cookies::default();
        cookies.take(&set(&["sid=1; Domain=elsewhere.example"]), &url("/"), || url("/"), &names(), false);
        assert_eq!(sent(&mut cookies, "/"), "");
    }
}
