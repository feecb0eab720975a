use super::table::{Column, Tone, facts, mark, table, text};
use crate::plan::StateKind;
use crate::report::wording::{self, after_launch, grouped, percent, seconds};
use crate::report::{Subject, aftermath};
use crate::session::{Cohort, LossExample, LossKind, SessionFindings, StateFindings};
use crate::verdict::{Held, SessionCheck, Verdict};
use maud::{Markup, html};

pub(super) fn continuity(subject: &Subject) -> Markup {
    let sessions = subject.sessions;
    html! {
        (checks(&subject.verdict.sessions))
        (counts(sessions))
        @if !sessions.cohorts.is_empty() {
            h3 { "What became of the sessions that were there when the fleet changed" }
            (fates(&sessions.cohorts))
            @if let Some(adoption) = adoption(&sessions.cohorts) { (adoption) }
        }
        @if !sessions.states.is_empty() { (states(&sessions.states)) }
    }
}

fn checks(checks: &[SessionCheck]) -> Markup {
    let row = |check: &SessionCheck| {
        let result = match check.held {
            Held::Held => mark(Tone::Good, "held"),
            Held::Broken => mark(Tone::Bad, "broken"),
            Held::Unseen => mark(Tone::Doubtful, "not seen"),
        };
        vec![text(&check.name), result, text(&check.found)]
    };
    let columns = [Column::Text("What users count on"), Column::Text("Result"), Column::Text("Found")];
    table("What users count on, whatever happens to the fleet", &columns, &checks.iter().map(row).collect::<Vec<_>>())
}

fn counts(sessions: &SessionFindings) -> Markup {
    let (counts, handoffs) = (&sessions.sessions, &sessions.handoffs);
    let handed_off = match handoffs.sessions_placed {
        0 => "nothing tells who served".to_owned(),
        placed => percent(handoffs.sessions_handed_off as f64 / placed as f64),
    };
    facts(&[
        ("Sessions seen", grouped(counts.seen)),
        ("Logged in", grouped(counts.logged_in)),
        ("Recognised afterwards", grouped(counts.verified)),
        ("Asked to log in again", grouped(counts.asked_to_log_in_again)),
        ("Answered as another user", grouped(counts.wrong_user)),
        ("State lost", grouped(counts.state_lost)),
        ("State in doubt", grouped(counts.state_ambiguous)),
        ("Never answered", grouped(counts.never_answered)),
        ("Handoffs between instances", grouped(handoffs.handoffs)),
        ("Served by more than one instance", handed_off),
        ("Carried an affinity cookie", grouped(handoffs.sessions_with_affinity)),
    ])
}

fn fates(cohorts: &[Cohort]) -> Markup {
    let mut columns = vec![Column::Text("Change"), Column::Figure("Sessions there")];
    let names = wording::fates(&cohorts[0]).map(|(name, _)| name);
    columns.extend(names.iter().map(|name| Column::Figure(name)));
    columns.push(Column::Text("Survival"));
    let row = |cohort: &Cohort| {
        let mut cells = vec![change(cohort), text(&grouped(cohort.sessions))];
        cells.extend(wording::fates(cohort).iter().map(|(_, count)| text(&grouped(*count))));
        cells.push(text(&wording::survival(cohort)));
        cells
    };
    table("Fates of sessions, for each change of the fleet", &columns, &cohorts.iter().map(row).collect::<Vec<_>>())
}

fn change(cohort: &Cohort) -> Markup {
    let change = &cohort.change;
    html! { (text(&format!("{} at {}", change.name, seconds(change.at_us)))) " " small { (text(&change.detail)) } }
}

fn adoption(cohorts: &[Cohort]) -> Option<Markup> {
    let columns = [
        Column::Text("Change"),
        Column::Figure("Could be adopted"),
        Column::Figure("Adopted"),
        Column::Text("Half of them"),
        Column::Text("90 %"),
    ];
    let row = |cohort: &Cohort| {
        let adoption = &cohort.adoption.as_ref()?.curve;
        Some(vec![
            change(cohort),
            text(&grouped(adoption.eligible)),
            text(&grouped(adoption.adopted)),
            text(&after_launch(adoption.t50_seconds)),
            text(&after_launch(adoption.t90_seconds)),
        ])
    };
    let rows: Vec<_> = cohorts.iter().filter_map(row).collect();
    let caption = "Adoption: sessions older than a new instance that it served without a new login";
    (!rows.is_empty()).then(|| table(caption, &columns, &rows))
}

fn states(states: &[StateFindings]) -> Markup {
    let names = ["Agreed", "Lost", "In doubt", "Duplicated", "Kept after re-login", "Lost after re-login"];
    let mut columns = vec![Column::Text("State"), Column::Text("Kind")];
    columns.extend(names.map(Column::Figure));
    let row = |state: &StateFindings| {
        let kind = match state.kind {
            StateKind::Counter => "counter",
            StateKind::Register => "register",
            StateKind::Job => "job",
        };
        let counts = [
            state.agreed,
            state.lost,
            state.ambiguous,
            state.duplicated,
            state.kept_after_relogin,
            state.lost_after_relogin,
        ];
        let mut cells = vec![text(&state.name), text(kind)];
        cells.extend(counts.map(|count| text(&grouped(count))));
        cells
    };
    let rows: Vec<_> = states.iter().map(row).collect();
    html! {
        h3 { "State that sessions read back" }
        (table("Reads of each piece of state, against what had been acknowledged", &columns, &rows))
    }
}

pub(super) fn losses(sessions: &SessionFindings) -> Option<Markup> {
    if sessions.losses.is_empty() {
        return None;
    }
    Some(html! {
        p { "The earliest of each kind, at most " (LossExample::MOST) ". Session, step and time lead to the row in "
            code { "requests/" } "." }
        @for (kind, examples) in &sessions.losses { (examples_of(*kind, examples)) }
    })
}

fn examples_of(kind: LossKind, examples: &[LossExample]) -> Markup {
    let columns = [
        Column::Figure("At"),
        Column::Figure("Session"),
        Column::Figure("User"),
        Column::Text("Step"),
        Column::Text("Served by"),
        Column::Text("Before that"),
        Column::Text("Expected"),
        Column::Text("Found"),
        Column::Text("Put down to"),
    ];
    let place = |instance: &Option<String>, zone: &Option<String>| match zone {
        Some(zone) => format!("{} in {zone}", wording::instance(instance)),
        None => wording::instance(instance).to_owned(),
    };
    let row = |example: &LossExample| {
        let before = example.before.as_ref().map_or("–".to_owned(), |before| {
            format!("{} on {} at {}", before.step, place(&before.instance, &before.zone), seconds(before.at_us))
        });
        vec![
            text(&seconds(example.at_us)),
            text(&example.session.to_string()),
            text(&example.user.to_string()),
            text(&example.step),
            text(&place(&example.instance, &example.zone)),
            text(&before),
            text(&example.expected),
            text(&example.found),
            text(&wording::put_down_to(example).unwrap_or_else(|| "–".to_owned())),
        ]
    };
    let name = wording::loss_kind(kind);
    html! {
        h3 { (name) }
        (table(&format!("Examples of {name}"), &columns, &examples.iter().map(row).collect::<Vec<_>>()))
    }
}

pub(super) fn symptoms(verdict: &Verdict) -> Option<Markup> {
    if verdict.symptoms.is_empty() {
        return None;
    }
    Some(html! { @for symptom in &verdict.symptoms {
        h3 { (text(&symptom.title)) }
        p { (text(&symptom.evidence)) "." }
        p { (text(&symptom.explanation)) }
    } })
}

pub(super) fn aftermath(subject: &Subject) -> Option<Markup> {
    let parts = aftermath::aftermath(subject);
    let told = html! {
        @for part in &parts {
            h3 { (part.heading) }
            ul { @for line in &part.lines { li { (text(line)) } } }
        }
    };
    (!parts.is_empty()).then_some(told)
}
