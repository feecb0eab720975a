use super::application::{Application, Journey, LoggedIn, Standing, Told};
use super::check::{Check, Practice};
use crate::history::Outcome;
use crate::load::{CookieHeld, Visit};
use std::collections::BTreeSet;

const SHARED: Practice = Practice {
    name: "sessions known everywhere",
    why: "an instance that does not know a session asks its user to log in whenever the balancer chooses it",
    remedy: "keep sessions in a store that all instances share",
};
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

/// Requests, one connection each, that look for an instance that does not know a session.
const LOOKS: u32 = 12;

/// A login and a logout by the profile's steps, and what became of the session's id meanwhile. Why no session could be
/// had, or the journey by which it was.
pub(super) async fn sessions(application: &Application<'_>) -> (Vec<Check>, Result<Journey, String>) {
    let (journey, logged_in) = match application.journey().await {
        Ok(found) => found,
        Err(why) => {
            let all = [SHARED, FLAGS, SECURE, RENEWED, LOGGED_OUT];
            return (all.map(|practice| practice.unknown(why.clone())).to_vec(), Err(why));
        }
    };
    let LoggedIn { before, visit } = logged_in;
    let mut checks = vec![shared(application, journey, &visit).await];
    checks.extend(cookies(application, journey, &visit).await);
    checks.push(renewed(application, journey, before).await);
    checks.push(logged_out(application, journey, visit).await);
    (checks, Ok(journey))
}

async fn shared(application: &Application<'_>, journey: Journey, visit: &Visit) -> Check {
    let visit = application.visits.without(visit, |cookie| cookie.is_affinity);
    let (mut known, mut refused, mut refused_by) = (0, 0, BTreeSet::new());
    for _ in 0..LOOKS {
        let mut visit = visit.clone();
        let (standing, instance) = application.standing_and_instance(&mut visit, journey.proof).await;
        match standing {
            Standing::LoggedIn => known += 1,
            Standing::Stranger => {
                refused += 1;
                refused_by.extend(instance.map(|name| name.to_string()));
            }
            Standing::Unclear(why) => return SHARED.unknown(why),
        }
    }
    let by: Vec<String> = refused_by.into_iter().collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(", ")) };
    let seen = match refused {
        0 => format!("{known} requests on connections of their own"),
        _ => format!("{refused} of {} requests were asked to log in{by}", known + refused),
    };
    SHARED.holds(refused == 0, seen)
}

/// Flags of the cookies that carry the session: those without which it is not known.
async fn cookies(application: &Application<'_>, journey: Journey, visit: &Visit) -> Vec<Check> {
    let mut carriers: Vec<CookieHeld> = Vec::new();
    for cookie in application.visits.cookies(visit).into_iter().filter(|cookie| !cookie.is_affinity) {
        let mut rest = application.visits.without(visit, |other| other.name == cookie.name);
        match application.standing(&mut rest, journey.proof).await {
            Standing::Stranger => carriers.push(cookie),
            Standing::LoggedIn => {}
            Standing::Unclear(why) => return [FLAGS, SECURE].map(|practice| practice.unknown(why.clone())).to_vec(),
        }
    }
    if carriers.is_empty() {
        let why = "no cookie carries the session";
        return [FLAGS, SECURE].map(|practice| practice.not_applicable(why)).to_vec();
    }
    let without = |flag: &str, has: fn(&CookieHeld) -> bool| -> Vec<String> {
        carriers.iter().filter(|cookie| !has(cookie)).map(|cookie| format!("{} has no {flag}", cookie.name)).collect()
    };
    let told = |missing: &[String], all: &str| if missing.is_empty() { all.to_owned() } else { missing.join(", ") };
    let open = [without("HttpOnly", |c| c.http_only), without("SameSite=Lax or Strict", |c| c.same_site)].concat();
    let insecure = without("Secure", |cookie| cookie.secure);
    vec![
        FLAGS.holds(open.is_empty(), told(&open, "HttpOnly, SameSite")),
        match application.visits.is_encrypted() {
            true => SECURE.holds(insecure.is_empty(), told(&insecure, "Secure")),
            false => SECURE.not_applicable("the balancer is spoken to over plain http"),
        },
    ]
}

async fn renewed(application: &Application<'_>, journey: Journey, mut before: Visit) -> Check {
    if application.visits.cookies(&before).iter().all(|cookie| cookie.is_affinity) {
        return RENEWED.holds(true, "there is no id before the login");
    }
    match application.standing(&mut before, journey.proof).await {
        Standing::Stranger => RENEWED.holds(true, "the id of before the login is not logged in after it"),
        Standing::LoggedIn => RENEWED.holds(false, "the id of before the login is logged in after it"),
        Standing::Unclear(why) => RENEWED.unknown(why),
    }
}

async fn logged_out(application: &Application<'_>, journey: Journey, mut visit: Visit) -> Check {
    let Some(logout) = application.logout(journey) else {
        return LOGGED_OUT.not_applicable("the scenario has no step with `logout = true`");
    };
    let mut copied = visit.clone();
    let answered = application.visits.take(&mut visit, logout).await;
    if answered.outcome != Outcome::Ok {
        return LOGGED_OUT.unknown(format!("the logout was not taken: {}", Told(&answered)));
    }
    match application.standing(&mut copied, journey.proof).await {
        Standing::Stranger => LOGGED_OUT.holds(true, "asked to log in"),
        Standing::LoggedIn => LOGGED_OUT.holds(false, "still logged in"),
        Standing::Unclear(why) => LOGGED_OUT.unknown(why),
    }
}
