use super::{Chart, charts};
use crate::history::fixture::{action, activity, at, event, healthy, launched, row};
use crate::history::{
    CloudWatchMetrics, EventKind, Failure, FleetGauges, GeneratorGauges, Identity, MetricOf, MetricPoint, MetricSeries,
    Sample,
};
use crate::plan::fixture::{PAGE, response_time_at_most};
use crate::report::Subject;
use crate::verdict::fixture::{Run, reject_on_new};
use proptest::prelude::*;
use roxmltree::Document;
use std::time::Duration;

const ALL: [&str; 10] = [
    "response-time",
    "rates",
    "instances",
    "handoffs",
    "adoption",
    "scale-out",
    "warm-up",
    "answers",
    "distribution",
    "generator",
];

fn drawn(run: &Run) -> Vec<Chart> {
    let charts = run.told(charts);
    for chart in &charts {
        // Well-formed, or this panics.
        let document = Document::parse(&chart.svg).unwrap_or_else(|error| panic!("{}: {error}", chart.name));
        let root = document.root_element();
        let spoken = root.attribute("aria-label").unwrap();
        assert!(spoken.starts_with(&chart.title) && spoken.ends_with(&chart.description), "{}", chart.name);
        assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"), "{}", chart.name);
        if let Some(axis) = &chart.time_axis {
            assert!(axis.plot_left < axis.plot_right && axis.plot_top < axis.plot_bottom, "{}", chart.name);
            let lengths: Vec<usize> = axis.series.iter().map(|s| s.values.len()).collect();
            let columns = ((axis.to_second - axis.from_second) / f64::from(axis.column_seconds)).round() as usize;
            assert!(lengths.iter().all(|len| *len == columns), "{}: {lengths:?} of {columns}", chart.name);
        }
    }
    charts
}

fn names(charts: &[Chart]) -> Vec<&str> {
    charts.iter().map(|c| c.name).collect()
}

fn texts(chart: &Chart) -> Vec<String> {
    let document = Document::parse(&chart.svg).unwrap();
    let text = |node: roxmltree::Node| node.text().unwrap_or_default().trim().to_owned();
    document.descendants().filter(|node| node.has_tag_name("text")).map(text).collect()
}

fn of<'c>(charts: &'c [Chart], name: &str) -> &'c Chart {
    charts.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no chart {name}"))
}

fn sampled(run: &mut Run) {
    run.samples = (0..25)
        .map(|second| Sample {
            at_us: at(f64::from(second)),
            generator: GeneratorGauges { sessions_in_flight: 30, timer_lag_us: 90, ..GeneratorGauges::default() },
            fleet: Some(FleetGauges { desired: 3, launched: 3, healthy: 2, ..FleetGauges::default() }),
            store: None,
        })
        .collect();
}

/// A scale-out of which all is known.
fn whole() -> Run {
    let mut run = Run::good();
    sampled(&mut run);
    run.events.push(healthy(12.4, "new", "z2"));
    run
}

#[test]
fn a_run_with_a_scale_out_has_all_charts_each_with_its_series() {
    let charts = drawn(&whole());
    assert_eq!(names(&charts), ALL);
    for (name, expected) in [
        ("response-time", &["p50", "p99.9", "during scale-out", "scale-out", "healthy"][..]),
        ("rates", &["offered (due in that second)", "sessions in flight"]),
        ("instances", &["desired", "healthy", "z1", "z2"]),
        ("handoffs", &["a", "b", "new (new)"]),
        ("adoption", &["new: 30 of 30, t50 5.2 s, t90 6.4 s"]),
        ("scale-out", &["new", "t4 launched (provider ±1 ms)", "t2 alarm: not known"]),
        ("warm-up", &["new instance p99", "its peers p99", "new"]),
        ("answers", &["recognised", "What answers said of their sessions: no loss, no failure"]),
        ("distribution", &["p90", "share of requests that were no slower"]),
        ("generator", &["scheduling lag, p99", "load threads busy"]),
    ] {
        let chart = of(&charts, name);
        let texts = texts(chart);
        let missing: Vec<_> = expected.iter().filter(|text| !texts.iter().any(|t| t == *text)).collect();
        assert!(missing.is_empty(), "{name}: no {missing:?} in {texts:?}");
        assert!(texts.contains(&chart.title), "{name}: its title is in it");
    }
    let series: Vec<&str> =
        of(&charts, "response-time").time_axis.as_ref().unwrap().series.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(series, ["p50", "p90", "p99", "p99.9"]);
}

#[test]
fn losses_are_in_the_matrix_and_over_time() {
    let mut run = whole();
    reject_on_new(&mut run);
    let charts = drawn(&run);
    let matrix = texts(of(&charts, "handoffs"));
    assert!(matrix.iter().any(|text| text == "30 lost (100.0 %)"), "{matrix:?}");
    assert!(of(&charts, "handoffs").title.ends_with("30 requests lost something"));
    let answers = of(&charts, "answers");
    assert!(answers.title.ends_with("re-login 30"), "{}", answers.title);
    let relogins = answers.time_axis.as_ref().unwrap().series.iter().find(|s| s.name == "re-login").unwrap();
    assert_eq!(relogins.values.iter().flatten().sum::<f64>(), 30.0);
}

#[test]
fn names_from_responses_are_shown_as_text() {
    let mut run = whole();
    let names = run.names.clone();
    let evil = |place: &str| format!("<script>\"&'\u{1}\u{202e}\u{ffff}{place}");
    for row in &mut run.rows {
        row.instance = row.instance.map(|id| names.id(&evil(&names.name(id))));
        row.zone = row.zone.map(|id| names.id(&evil(&names.name(id))));
    }
    for event in &mut run.events {
        if let EventKind::InstanceLaunched { instance, .. } = &mut event.kind {
            *instance = evil(instance);
        }
    }
    run.events.push(action(15.0, "<b onload=alert(1)>"));
    let charts = drawn(&run);
    for chart in &charts {
        let document = Document::parse(&chart.svg).unwrap();
        let tags: std::collections::BTreeSet<&str> =
            document.descendants().filter(|n| n.is_element()).map(|n| n.tag_name().name()).collect();
        let ours = ["svg", "style", "rect", "text", "line", "polyline", "polygon", "circle"];
        assert!(tags.iter().all(|tag| ours.contains(tag)), "{}: {tags:?}", chart.name);
        assert!(!chart.svg.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{}", chart.name);
    }
    assert!(texts(of(&charts, "handoffs")).iter().any(|text| text.starts_with("<script>\"&'")));
    assert!(texts(of(&charts, "rates")).iter().any(|text| text == "<b onload=alert(1)>"));
}

#[test]
fn what_has_nothing_to_show_is_left_out() {
    let mut run = Run::good();
    run.events.clear();
    run.rows.retain(|row| row.session == 0 && row.intended < at(3.0));
    run.rows.iter_mut().for_each(|row| (row.instance, row.zone) = (None, None));
    run.samples.clear();
    assert_eq!(names(&drawn(&run)), ["response-time", "rates", "answers", "distribution", "generator"]);
    run.rows.clear();
    assert_eq!(names(&drawn(&run)), Vec::<&str>::new());
}

#[test]
fn a_large_fleet_is_shown_by_zone() {
    let mut run = whole();
    run.rows.clear();
    for n in 0..4000u64 {
        let place = format!("i-{}@z{}", n % 64, n % 2);
        let row = row(n % 100, PAGE, n as f64 * 0.01).on(&place, &run.names).who(Identity::Recognised);
        run.rows.push(row);
    }
    let charts = drawn(&run);
    assert!(of(&charts, "handoffs").title.starts_with("Handoffs from zone to zone"));
    assert_eq!(of(&charts, "instances").time_axis.as_ref().unwrap().series.len(), 4 + 2);
}

#[test]
fn a_long_run_is_drawn_in_few_columns() {
    let mut run = whole();
    run.rows.extend((0..70u32).map(|n| row(1000, PAGE, 30.0 + f64::from(n) * 10.0).on("a@z1", &run.names)));
    for chart in drawn(&run) {
        assert!(chart.svg.len() < 200_000, "{}: {} bytes", chart.name, chart.svg.len());
        assert!(chart.time_axis.is_none_or(|axis| axis.column_seconds == 2), "{}", chart.name);
    }
}

#[cfg(feature = "png")]
#[test]
fn a_chart_becomes_a_picture() {
    let Some(painter) = super::Painter::new() else { return eprintln!("not tested: this machine has no font") };
    let charts = drawn(&whole());
    let png = painter.png(of(&charts, "response-time"));
    let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
    assert_eq!((&png[1..4], width), (&b"PNG"[..], 1920));
    let words = of(&charts, "response-time");
    let wordless = Chart { svg: words.svg.replace("<text", "<g").replace("</text>", "</g>"), ..words.clone() };
    assert_ne!(png, painter.png(&wordless), "its words are in it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is in the rows, charts are drawn, and are well-formed.
    #[test]
    fn odd_runs_have_charts_too(
        rows in prop::collection::vec((0u64..6, -2.0f64..90.0, 0u64..200_000_000, "[a-c<&]?", any::<bool>()), 0..40),
        events in prop::collection::vec((0u8..5, -5.0f64..120.0), 0..12),
        objective in any::<bool>(),
    ) {
        let mut run = Run::good();
        run.rows = rows.iter().map(|(session, due, us, place, fails)| {
            let row = row(*session, PAGE, *due).taking(Duration::from_micros(*us)).who(Identity::Recognised);
            let row = if place.is_empty() { row } else { row.on(place, &run.names) };
            if *fails { row.failed(Failure::Timeout) } else { row }
        }).collect();
        run.events = events.iter().map(|(kind, seconds)| match kind {
            0 => action(*seconds, "<x>"),
            1 => activity(*seconds, 1, 2),
            2 => launched(*seconds, "a", ""),
            3 => healthy(*seconds, "b", "z"),
            _ => event(*seconds, EventKind::AlarmRaised { metric: f64::MAX, target: 0.0 }),
        }).collect();
        if objective {
            run.plan.objectives = vec![response_time_at_most(0.99, 0.1)];
        }
        drawn(&run);
    }
}

fn cloudwatch(of: MetricOf, metric: &str, statistic: &str, unit: &str, values: &[f64]) -> MetricSeries {
    let points = values
        .iter()
        .enumerate()
        .map(|(minute, value)| MetricPoint { at_us: at(60.0 * minute as f64 - 30.0), value: *value });
    MetricSeries {
        of,
        namespace: "AWS/ApplicationELB".to_owned(),
        metric: metric.to_owned(),
        statistic: statistic.to_owned(),
        unit: unit.to_owned(),
        resource: "targetgroup/shop/73e2d6bc24d8a067".to_owned(),
        period_seconds: 60,
        complete: metric != "RequestCount",
        points: points.collect(),
    }
}

#[test]
fn errors_are_not_among_the_series_that_are_left_out() {
    let metrics = [
        "RequestCount",
        "HTTPCode_Target_2XX_Count",
        "HTTPCode_Target_3XX_Count",
        "NewConnectionCount",
        "ProcessedBytes",
        "RuleEvaluations",
        "HTTPCode_ELB_5XX_Count",
    ];
    let series = |count: usize| {
        let series = metrics[metrics.len() - count..].iter();
        series.map(|metric| cloudwatch(MetricOf::Balancer, metric, "Sum", "Count", &[600.0])).collect()
    };
    for (count, remark) in [(6, false), (7, true)] {
        let metrics = CloudWatchMetrics { series: series(count), trouble: Vec::new() };
        let charts = Run::good().told(|subject| charts(&Subject { cloudwatch: Some(&metrics), ..*subject }));
        let texts = texts(of(&charts, "cloudwatch-balancer")).join("\n");
        assert!(texts.contains("HTTPCode_ELB_5XX_Count"), "{texts}");
        assert_eq!(texts.contains("6 of 7 series are shown, errors first"), remark, "{texts}");
    }
}

#[test]
fn cloudwatch_is_drawn_beside_the_run_and_says_what_it_is() {
    let series = vec![
        cloudwatch(MetricOf::Balancer, "RequestCount", "Sum", "Count", &[600.0, 1200.0]),
        cloudwatch(MetricOf::Balancer, "TargetResponseTime", "p99", "Seconds", &[0.02, 0.03]),
        // Nothing to see, so no line.
        cloudwatch(MetricOf::Balancer, "HTTPCode_Target_5XX_Count", "Sum", "Count", &[0.0, 0.0]),
        cloudwatch(MetricOf::Group, "GroupInServiceInstances", "Average", "None", &[]),
    ];
    let metrics = CloudWatchMetrics { series, trouble: Vec::new() };
    let run = Run::good();
    let charts = run.told(|subject| charts(&Subject { cloudwatch: Some(&metrics), ..*subject }));
    assert!(!names(&charts).contains(&"cloudwatch-group"));
    let chart = of(&charts, "cloudwatch-balancer");
    let texts = texts(chart).join("\n");
    for text in
        ["RequestCount Sum of shop (partial)", "TargetResponseTime p99 of shop", "percentiles are not the run's"]
    {
        assert!(texts.contains(text), "{texts}");
    }
    assert!(!texts.contains("5XX"));
    let axis = chart.time_axis.as_ref().unwrap();
    // 600 a minute; 20 ms.
    assert_eq!(axis.series.iter().map(|series| series.values[0]).collect::<Vec<_>>(), [Some(10.0), Some(20.0)]);
}
