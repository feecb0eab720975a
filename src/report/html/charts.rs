use super::table::text;
use crate::report::{Chart, Series, TimeAxis};
use maud::{Markup, PreEscaped, html};
use serde_json::json;

pub(super) fn charts(charts: &[Chart]) -> Option<Markup> {
    if charts.is_empty() {
        return None;
    }
    let pointed = charts.iter().any(|chart| chart.time_axis.is_some());
    Some(html! {
        @if pointed {
            p.hint { "Point at a chart over time, or focus it and press the arrow keys, to read its values; all such "
                "charts show the same moment. Escape ends that." }
        }
        @for chart in charts { (figure(chart)) }
    })
}

fn figure(chart: &Chart) -> Markup {
    let id = format!("chart-{}", chart.name);
    let (title, description) = (format!("{id}-title"), format!("{id}-description"));
    html! {
        figure id=(id) data-axis=[chart.time_axis.as_ref().map(axis)] {
            // For those who do not see the picture, which has it, too.
            h3.unseen id=(title) { (text(&chart.title)) }
            @if let Some(axis) = &chart.time_axis {
                // A slider: that is what arrow keys move, and whose value a screen reader speaks.
                div.plot tabindex="0" role="slider" aria-labelledby=(title) aria-describedby=(description)
                    aria-valuemin=(axis.from_second) aria-valuemax=(axis.to_second) aria-valuenow=(axis.from_second)
                    aria-valuetext="no moment chosen" { (drawing(chart)) }
                p.readout aria-hidden="true" {}
            } @else {
                div.plot role="img" aria-labelledby=(title) aria-describedby=(description) { (drawing(chart)) }
            }
            figcaption id=(description) { (text(&chart.description)) }
        }
    }
}

/// The chart itself: made here, all text in it escaped.
fn drawing(chart: &Chart) -> PreEscaped<&str> {
    PreEscaped(&chart.svg)
}

/// What the script needs to know.
fn axis(axis: &TimeAxis) -> String {
    let series = |s: &Series| json!({ "name": s.name, "unit": s.unit, "values": s.values });
    json!({
        "left": axis.plot_left,
        "right": axis.plot_right,
        "top": axis.plot_top,
        "bottom": axis.plot_bottom,
        "from": axis.from_second,
        "to": axis.to_second,
        "each": axis.column_seconds,
        "series": axis.series.iter().map(series).collect::<Vec<_>>(),
    })
    .to_string()
}
