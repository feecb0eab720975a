use super::Chart;
use super::axis::Axis;
use super::palette::{BLUE, Colour, LOSS, ORANGE, PURPLE, SHADE, SKY, VERMILLION};
use super::response_time::each;
use super::sheet::{Key, Sheet};
use super::time_frame::{TimeFrame, series};
use crate::report::Subject;
use crate::session::AnswerCounts;

type Kind = (&'static str, Colour, fn(&AnswerCounts) -> u64);

const PROOF: Kind = ("recognised", BLUE, |a| a.recognised);
const SILENT: Kind = ("says nothing of the session", SHADE, |a| a.silent + a.rejected_as_agreed);
/// What should not be, the gravest first.
const TROUBLE: [Kind; 6] = [
    ("wrong user", LOSS, |a| a.wrong_user),
    ("re-login", VERMILLION, |a| a.rejected),
    ("state lost", PURPLE, |a| a.state_lost),
    ("duplicated", SKY, |a| a.duplicated),
    ("ambiguous", SHADE, |a| a.state_ambiguous),
    ("unanswered", ORANGE, |a| a.unanswered),
];

/// What answers said of their sessions, over time.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    let (by_second, whole) = (&subject.sessions.answers_by_second, &subject.sessions.answers);
    if frame.columns().is_empty() || by_second.is_empty() {
        return None;
    }
    let rates = |of: fn(&AnswerCounts) -> u64| frame.rates(by_second.iter().map(of));
    let (proof, silent) = (rates(PROOF.2), rates(SILENT.2));
    let trouble = TROUBLE.map(|(name, colour, of)| (name, colour, of(whole), rates(of)));
    let seen: Vec<_> = trouble.iter().filter(|(_, _, count, _)| *count > 0).collect();
    let counted: Vec<String> = seen.iter().map(|(name, _, count, _)| format!("{name} {count}")).collect();
    let counted = if counted.is_empty() { "no loss, no failure".to_owned() } else { counted.join(", ") };
    let mut legend = vec![Key::field(PROOF.0, PROOF.1, 0.55), Key::field(SILENT.0, SILENT.1, 0.25)];
    legend.extend(seen.iter().map(|(name, colour, _, _)| Key::field(*name, *colour, 0.9)));
    legend.extend(frame.key());
    let heights: &[i32] = if seen.is_empty() { &[UPPER] } else { &[UPPER, LOWER] };
    let sheet = Sheet {
        name: "answers",
        title: format!("What answers said of their sessions: {counted}"),
        description: format!(
            "Answers per second over the run. {} of {} recognised their session and {} said nothing of it; {counted}",
            whole.recognised,
            whole.rows(),
            whole.silent
        ),
        height: frame.height(heights),
        legend,
    };
    let total: Vec<f64> = proof.iter().zip(&silent).map(|(a, b)| a + b).collect();
    let most_trouble =
        (0..frame.columns().len()).map(|i| trouble.iter().map(|t| t.3[i]).sum::<f64>()).fold(0.0, f64::max);
    Some(sheet.draw(|area| {
        let most = total.iter().copied().fold(0.0, f64::max);
        let axes = [
            Axis::amounts(format!("answers/s in {}", each(&frame)), most),
            Axis::amounts("losses and failures/s", most_trouble),
        ];
        let plots = frame.plots(area, axes.into_iter().zip(heights.iter().copied()).collect());
        frame.stack(&plots[0].0, &[(PROOF.1, 0.55, &proof[..]), (SILENT.1, 0.25, &silent[..])]);
        if let Some((lower, _)) = plots.get(1) {
            let layers: Vec<_> = seen.iter().map(|(_, colour, _, rates)| (*colour, 0.9, &rates[..])).collect();
            frame.stack(lower, &layers);
        }
        let all = [("recognised", &proof), ("silent", &silent)];
        let all = all.into_iter().chain(seen.iter().map(|(name, _, _, rates)| (*name, rates)));
        let told = all.map(|(name, rates)| series(name, "answers/s", rates.iter().map(|r| Some(*r)).collect()));
        frame.time_axis(&plots, told.collect())
    }))
}

const UPPER: i32 = 180;
const LOWER: i32 = 170;
