use super::check::{Check, CheckResult, Practice};
use super::http::{Answer, Site};
use regex::Regex;

/// Who logs in for the audit.
#[derive(Clone, Debug)]
pub(super) struct Visitor<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

const FLAGS: Practice = Practice {
    name: "session cookie flags",
    why: "without HttpOnly scripts can read the session, without SameSite other sites can use it",
    remedy: "set HttpOnly and SameSite=Lax or Strict on the session cookie",
};
const SECURE: Practice = Practice {
    name: "session cookie Secure",
    why: "without Secure the session is sent in clear to whoever answers over http",
    remedy: "set Secure on the session cookie wherever there is TLS",
};
const RENEWED: Practice = Practice {
    name: "session id renewed at login",
    why: "an id that stays lets whoever planted it before the login share the session after it (fixation)",
    remedy: "give the session a new id when a user logs in",
};
const LOGGED_OUT: Practice = Practice {
    name: "old id dead after logout",
    why: "a session that outlives its logout can be used by whoever has its id",
    remedy: "delete the session in the store at logout, not only the cookie",
};

/// A form login and a logout of the reference application's pages, and what became of the session id meanwhile.
pub(super) async fn sessions(site: &Site, visitor: &Visitor<'_>) -> Vec<Check> {
    match walk_through(site, visitor).await {
        Ok(checks) => checks,
        Err(why) => [FLAGS, SECURE, RENEWED, LOGGED_OUT].map(|practice| practice.unknown(why.clone())).to_vec(),
    }
}

async fn walk_through(site: &Site, visitor: &Visitor<'_>) -> Result<Vec<Check>, String> {
    let form = site.get("/login", None).await?;
    let before = id(&form).ok_or("the login form sets no session cookie")?;
    let csrf = csrf(&form.body).unwrap_or_default();
    let fields = [("username", visitor.user), ("password", visitor.password), ("csrf", csrf.as_str())];
    let login = site.post("/login", Some(&before), &fields).await?;
    let line = login.session_cookie().map(str::to_owned);
    let after = id(&login).unwrap_or_else(|| before.clone());
    if !known(site, &after).await? {
        return Err(format!("the login was refused (status {})", login.status));
    }
    let renewed = after != before && !known(site, &before).await?;
    site.post("/logout", Some(&after), &[]).await?;
    let dead = !known(site, &after).await?;
    let line = line.or(form.session_cookie().map(str::to_owned)).unwrap_or_default();
    let has = |flag: &str| line.split(';').skip(1).any(|part| part.trim().to_ascii_lowercase().starts_with(flag));
    let missing: Vec<&str> = ["HttpOnly", "SameSite"].into_iter().filter(|f| !has(&f.to_ascii_lowercase())).collect();
    let told =
        if missing.is_empty() { "HttpOnly, SameSite".to_owned() } else { format!("no {}", missing.join(", no ")) };
    Ok(vec![
        FLAGS.holds(missing.is_empty(), told),
        if site.is_encrypted() {
            SECURE.holds(has("secure"), if has("secure") { "Secure" } else { "no Secure" })
        } else {
            SECURE.found(CheckResult::NotApplicable, "the balancer speaks plain http; `fleet.tls = true` to see")
        },
        RENEWED.holds(renewed, if renewed { "another id, and the old one is not logged in" } else { "the same id" }),
        LOGGED_OUT.holds(dead, if dead { "asked to log in" } else { "still logged in" }),
    ])
}

/// `name=value` of the session cookie.
fn id(answer: &Answer) -> Option<String> {
    let pair = answer.session_cookie()?.split(';').next()?.trim();
    (!pair.ends_with('=')).then(|| pair.to_owned())
}

fn csrf(page: &str) -> Option<String> {
    let field = Regex::new(r#"name="csrf"[^>]*value="([^"]*)""#).expect("the expression is right");
    Some(field.captures(page)?[1].to_owned())
}

async fn known(site: &Site, cookie: &str) -> Result<bool, String> {
    Ok(site.get("/me", Some(cookie)).await?.status.is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_the_form() {
        let form = r#"<form><input type="hidden" name="csrf" value="t0ken"></form>"#;
        assert_eq!(csrf(form).as_deref(), Some("t0ken"));
        assert_eq!(csrf("<form></form>"), None);
    }
}
