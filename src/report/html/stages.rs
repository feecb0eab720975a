use super::table::{Column, table, text};
use crate::analysis::{Analysis, InstanceStages, Stamp};
use crate::report::wording::{self, seconds};
use maud::{Markup, html};

/// A row a stage, a column a new instance, so that the way into service reads downwards.
pub(super) fn stages(analysis: &Analysis) -> Option<Markup> {
    if analysis.stages.is_empty() {
        return None;
    }
    let mut columns = vec![Column::Text("Stage")];
    columns.extend(analysis.stages.iter().map(|stages| Column::Text(&stages.instance)));
    let names = analysis.stages[0].named().map(|(name, _)| name);
    let stage = |(index, name): (usize, &&str)| each(name, &analysis.stages, |s| stamp(s.named()[index].1));
    let mut rows: Vec<Vec<Markup>> = names.iter().enumerate().map(stage).collect();
    rows.push(each("warm-up: p99 beside its peers'", &analysis.stages, warm_up));
    let caption = "When each new instance reached each stage, who says so, and how exactly it is known";
    Some(html! {
        (table(caption, &columns, &rows))
        @if let Some(elasticity) = &analysis.elasticity { p { (sentence(&wording::elasticity(elasticity))) } }
    })
}

/// With a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

fn each(name: &str, instances: &[InstanceStages], cell: impl Fn(&InstanceStages) -> Markup) -> Vec<Markup> {
    std::iter::once(text(name)).chain(instances.iter().map(cell)).collect()
}

fn stamp(stamp: &Stamp) -> Markup {
    match stamp {
        Stamp::At { at_us, source, resolution_us } => {
            let known = match *resolution_us {
                0 => String::new(),
                us @ 1..1_000_000 => format!(", to {} ms", us.div_ceil(1000)),
                us => format!(", to {} s", us.div_ceil(1_000_000)),
            };
            html! { (seconds(*at_us)) " " small { "(" (text(source)) (known) ")" } }
        }
        Stamp::Unknown { reason } => html! { "– " small { (text(reason)) } },
    }
}

fn warm_up(stages: &InstanceStages) -> Markup {
    let Some(warm_up) = stages.warm_up else {
        return html! { "– " small { "it served too little beside its peers" } };
    };
    html! {
        (format!("{:.1}×", warm_up.ratio)) " "
        small { (format!(
            "({:.0} ms against {:.0} ms in its first {} s)",
            warm_up.p99_ms, warm_up.peers_p99_ms, warm_up.seconds
        )) }
    }
}
