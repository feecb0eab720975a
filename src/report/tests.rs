use super::*;
use crate::history::fixture::{event, healthy, origin, row};
use crate::history::{EventKind, Failure, Identity, Outcome as Answer, StateOp};
use crate::plan::Objective;
use crate::plan::fixture::{CART, PAGE, response_time_at_most};
use crate::verdict::fixture::{Run, reject_on_new};
use insta::assert_snapshot;
use std::time::Duration;

impl Run {
    pub(crate) fn told<T>(&self, tell: impl FnOnce(&Subject) -> T) -> T {
        let ((analysis, sessions), verdict) = (self.findings(), self.verdict());
        let origin = origin();
        tell(&Subject {
            origin: &origin,
            plan: &self.plan,
            events: &self.events,
            served_by: None,
            cloudwatch: None,
            samples: &self.samples,
            analysis: &analysis,
            sessions: &sessions,
            verdict: &verdict,
            comparison: None,
            results: "results/fixture/latest",
        })
    }
}

fn told(spoil: impl FnOnce(&mut Run)) -> String {
    let mut run = Run::good();
    run.events.push(healthy(12.4, "new", "z2"));
    spoil(&mut run);
    let text = run.told(|subject| terminal(subject, 100, Style::Plain));
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    text
}

#[test]
fn a_pass() {
    assert_snapshot!(told(|_| {}));
}

#[test]
fn sessions_lost() {
    assert_snapshot!(told(|run| {
        reject_on_new(run);
        let mut own = run.rows.iter_mut().filter(|row| row.session == 7).skip(1);
        let (first, second) = (own.next().unwrap(), own.next().unwrap());
        first.states = vec![StateOp::Counted { state: CART, found: 5 }];
        second.states = vec![StateOp::Counted { state: CART, found: 4 }];
        run.rows[60].identity = Identity::Other;
    }));
}

#[test]
fn inconclusive() {
    assert_snapshot!(told(|run| {
        let old = run.names.id("a");
        for row in &mut run.rows {
            row.affinity = true;
            row.instance = if row.session == 0 { row.instance } else { Some(old) };
        }
        run.facts.ended = false;
    }));
}

#[test]
fn an_objective_missed() {
    assert_snapshot!(told(|run| {
        run.plan.objectives.push(response_time_at_most(0.5, 0.005));
        for n in 0..100u32 {
            let due = 14.5 + f64::from(n) * 0.1;
            run.rows.push(row(500, PAGE, due).on("new@z2", &run.names).taking(Duration::from_millis(200)));
            run.rows.push(row(501, PAGE, due).on("a@z1", &run.names));
        }
        run.rows.sort_by_key(|row| row.last_byte);
    }));
}

#[test]
fn addresses_that_were_seen_and_not_used_are_told() {
    let text = told(|run| {
        for address in ["10.0.0.1:443", "10.0.0.2:443"] {
            run.events.push(event(1.0, EventKind::AddressResolved { address: address.to_owned() }));
        }
        let used = run.names.id("10.0.0.1:443");
        run.rows.iter_mut().for_each(|row| row.address = Some(used));
    });
    assert!(text.contains("2 addresses of the balancer seen in DNS, 1 of them used; not used: 10.0.0.2:443"), "{text}");
}

#[test]
fn what_faults_came_to_is_told_in_every_format() {
    let mut run = Run::good();
    let at = run.rows[run.rows.len() / 2].intended;
    let gone = EventKind::InstanceGone { instance: "<a>".to_owned(), zone: "z1".to_owned(), expected: false };
    run.events.push(event(at.as_secs_f64(), gone));
    let row = run.rows.iter_mut().find(|row| row.intended > at).unwrap();
    *row = row.clone().failed(Failure::Reset);
    let heading = "Requests that failed when instances went";
    let text = run.told(|subject| terminal(subject, 100, Style::Plain));
    assert!(text.contains(heading) && text.contains("1 failed within 3 s of <a>, which died at"), "{text}");
    let page = run.told(|subject| html(subject, &[]));
    assert!(page.contains(heading) && page.contains("1 failed within 3 s of &lt;a&gt;"), "{page}");
    let page = run.told(markdown);
    assert!(page.contains(heading) && !page.contains("<a>"), "{page}");
}

#[test]
fn names_from_responses_cannot_steer_the_terminal() {
    let text = told(|run| {
        let evil = run.names.id("\u{1b}[2Jevil\r");
        let new = run.names.id("new");
        run.rows.iter_mut().filter(|r| r.instance == Some(new)).for_each(|r| r.instance = Some(evil));
        reject_on_new(run);
        let row = run.rows.last_mut().unwrap();
        row.identity = Identity::Other;
        row.instance = Some(evil);
    });
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.contains("\\u{1b}[2Jevil\\r"), "{text}");
    let text = told(|run| {
        let objective = response_time_at_most(0.5, 1.0);
        run.plan.objectives = vec![Objective { text: "p50 \u{1b}[2J\u{202e}".to_owned(), ..objective }];
    });
    assert!(text.contains("p50 \\u{1b}[2J\\u{202e}"), "{text}");
}

#[test]
fn the_stages_of_an_instance_are_headed_by_its_name_as_text() {
    let mut run = Run::good();
    run.events.push(healthy(12.4, "new", "z2"));
    let (mut analysis, _) = run.findings();
    analysis.stages[0].instance = "i-1\u{202e}<b>".to_owned();
    let page = run.told(|subject| html(&Subject { analysis: &analysis, ..*subject }, &[]));
    assert!(page.contains("<th scope=\"col\">i-1\\u{202e}&lt;b&gt;</th>"), "{page}");
}

#[test]
fn the_summary_is_one_object_with_the_verdict_in_it() {
    let run = Run::good();
    let value: serde_json::Value = serde_json::from_str(&run.told(summary_json)).unwrap();
    assert_eq!(value["format"], 1);
    assert_eq!(value["verdict"]["outcome"], "pass");
    assert_eq!(value["verdict"]["exit_code"], 0);
    assert_eq!(value["cohorts"][0]["survived"], 30);
    assert_eq!(value["scale_out"][0]["adopted_sessions"], 30);
}

/// An instance whose name is markup, in a run with losses of which it is an example.
fn hostile() -> Run {
    let mut run = Run::good();
    let evil = run.names.id("<script>alert(1)</script>\u{202e}|");
    let new = run.names.id("new");
    run.rows.iter_mut().filter(|row| row.instance == Some(new)).for_each(|row| row.instance = Some(evil));
    run.rows.iter_mut().filter(|row| row.instance == Some(evil)).for_each(|row| row.identity = Identity::Rejected);
    run
}

#[test]
fn an_instance_that_calls_itself_script_is_text_in_every_format() {
    let files = hostile().told(files);
    for ReportFile { path, bytes } in &files {
        let text = String::from_utf8_lossy(bytes);
        let markup = ["report.html", "summary.md", "junit.xml"].contains(&path.as_str()) || path.ends_with(".svg");
        assert!(!(markup && text.contains("<script>alert")), "{path} has the instance's name as markup");
    }
    let page = files.iter().find(|file| file.path == "report.html").unwrap();
    assert!(String::from_utf8_lossy(&page.bytes).contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}|"));
}

#[test]
fn the_headline_says_what_came_out() {
    let headline = |spoil: fn(&mut Run)| {
        let mut run = Run::good();
        spoil(&mut run);
        run.told(wording::headline)
    };
    assert_snapshot!([
        headline(|_| {}),
        headline(reject_on_new),
        headline(|run| run.plan.objectives = vec![response_time_at_most(0.5, 0.001)]),
        headline(|run| run.facts.ended = false),
        headline(|run| {
            reject_on_new(run);
            run.plan.session.allow.relogins = 29;
            let row = run.rows.iter_mut().find(|row| row.identity == Identity::Rejected).unwrap();
            (row.identity, row.outcome, row.status) = (Identity::Recognised, Answer::Ok, 200);
        }),
    ]
    .join("\n"), @r"
    Sessions held while the fleet changed (scale-out), and every objective was met, over 180 requests.
    Users lost their sessions while the fleet changed (scale-out): 30 sessions asked to log in again while still valid.
    The service did not do what was asked of it: 1 of 1 objective missed while the fleet changed (scale-out). p50 of response time ≤ 1 ms: 10.01 ms where at most 1 ms is allowed.
    This run proves nothing either way: the run was killed, or is still going on (needed: the run ends in order).
    No more was lost while the fleet changed (scale-out) than the profile allows, and every objective was met, over 180 requests (29 failed): 29 sessions asked to log in again while still valid (the profile allows 29).
    ");
}

#[test]
fn a_run_that_did_not_pass_is_annotated() {
    assert_eq!(Run::good().told(annotations), "");
    let text = hostile().told(annotations);
    assert!(text.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning ")), "{text}");
    assert!(text.starts_with("::error title=rushhour fixture%3A sessions lost::30 sessions"), "{text}");
}

#[test]
fn the_summary_in_markdown() {
    assert_snapshot!(hostile().told(markdown));
}

mod comparing {
    use super::*;
    use crate::compare::fixture::{Recipe, compared, made};

    fn found() -> crate::compare::Comparison {
        let worse = Recipe { first_instance: 1.3, boot_seconds: 6.0, ..Recipe::seed(4) };
        let mut found = compared(&made(Recipe::seed(3)), &made(worse));
        found.notes.push("fleet.boot_time (3 → 6)".to_owned());
        found
    }

    #[test]
    fn what_got_worse_leads() {
        let text = comparison(&found(), 100, Style::Plain);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_snapshot!(text);
    }

    #[test]
    fn names_are_text_in_every_format() {
        let mut found = found();
        found.differences[0].what = "<script>|`\u{1b}[2J".to_owned();
        for difference in &mut found.differences {
            difference.what.push_str(" </svg><b>\u{1b}|");
        }
        for file in comparison_files(&found).iter().filter(|file| !file.path.ends_with("json")) {
            let text = String::from_utf8(file.bytes.clone()).unwrap();
            assert!(!text.contains("<script>") && !text.contains("<b>") && !text.contains('\u{1b}'), "{}", file.path);
        }
        found.differences[0].what = "@team $x$ https://a www.a".to_owned();
        let page = comparison_files(&found).into_iter().find(|file| file.path == "comparison.md").unwrap();
        let page = String::from_utf8(page.bytes).unwrap();
        assert!(page.contains("\\@team \\$x\\$ https\\://a www\\.a"), "{page}");
        assert!(!comparison(&found, 100, Style::Plain).contains('\u{1b}'));
    }
}
