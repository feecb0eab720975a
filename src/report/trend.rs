use super::comparison::figure;
use super::text::{Page, Style, Tone, printable};
use crate::compare::{Finding, Trend};

/// Where the figures of a series of runs changed, at most `width` columns wide.
pub fn trend(trend: &Trend, width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    let points = trend.series.iter().map(|s| s.change_points.len()).sum::<usize>();
    let title = format!("{} · {} runs, {points} change points", printable(&trend.profile), trend.runs.len());
    page.line(Some(Tone::Heading), &title);
    for left_out in &trend.left_out {
        page.paragraph(Some(Tone::Faint), "  left out: ", &printable(left_out));
    }
    let mut rows = vec![["", "first", "last", "changed with run", "from", "to", ""].map(str::to_owned).to_vec()];
    for series in &trend.series {
        let tell = |value: f64| figure(value, series.unit);
        let ends = [series.values.first(), series.values.last()].map(|v| v.map_or(String::new(), |v| tell(*v)));
        let what: String = printable(&series.what).chars().take(36).collect();
        let mut lead = [vec![what], ends.to_vec()].concat();
        if series.change_points.is_empty() {
            rows.push(lead);
            continue;
        }
        for point in &series.change_points {
            let finding = match point.finding {
                Finding::Regression => "worse",
                Finding::Improvement => "better",
                Finding::Unchanged | Finding::NotJudged => "small",
            };
            let told = [printable(&point.run_id), tell(point.before), tell(point.after), finding.to_owned()];
            rows.push([std::mem::replace(&mut lead, vec![String::new(); 3]), told.to_vec()].concat());
        }
    }
    page.table(&rows);
    page.paragraph(Some(Tone::Faint), "  ", "from, to: the middle run's figure on either side of the change");
    page.finish()
}

/// `trend.svg`, for the directory of the series.
pub fn trend_file(trend: &Trend) -> super::ReportFile {
    super::ReportFile::new("trend.svg", super::charts::trend(trend).svg)
}
