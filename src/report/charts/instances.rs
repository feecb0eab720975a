use super::Chart;
use super::axis::Axis;
use super::palette::{BLUE, CYCLE, Colour, GREEN, INK, ORANGE, PURPLE};
use super::plot::Plot;
use super::response_time::each;
use super::sheet::{Area, Key, Sheet, label, text_width};
use super::time_frame::{TimeFrame, greatest, series};
use crate::analysis::InstanceFigures;
use crate::history::FleetGauges;
use crate::report::Subject;

/// More than this cannot be told apart as bands: zones are shown.
const MOST_BANDS: usize = 24;

struct Band {
    name: String,
    zone: Option<usize>,
    rates: Vec<f64>,
}

/// Responses per instance, stacked, by zone; above it the number of instances in each state.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    let instances = &subject.analysis.instances;
    if instances.is_empty() || frame.columns().is_empty() {
        return None;
    }
    let zones = zones(instances);
    let by_zone = instances.len() > MOST_BANDS && zones.len() > 1;
    let bands = if by_zone { zone_bands(&frame, instances, &zones) } else { bands(&frame, instances, &zones) };
    let counts = counts(&frame, instances);
    let serving_most = greatest(&counts[3].2);
    let zone_key = |(index, zone): (usize, &String)| Key::field(label(zone), colour(Some(index)), 0.6);
    let mut legend: Vec<Key> = counts
        .iter()
        .filter(|c| c.2.iter().any(Option::is_some))
        .map(|(name, colour, _)| Key::line(*name, *colour))
        .collect();
    legend.extend(zones.iter().take(CYCLE.len() * 2).enumerate().map(zone_key));
    if instances.iter().any(|i| i.zone.is_none()) {
        legend.push(Key::field("zone not told", colour(None), 0.6));
    }
    legend.extend(frame.key());
    let new = instances.iter().filter(|i| i.new).count();
    let shares: Vec<String> =
        instances.iter().take(MOST_BANDS).map(|i| format!("{} {}", label(&i.instance), i.requests.count)).collect();
    let sheet = Sheet {
        name: "instances",
        title: format!("Responses by instance: {} instances answered, {new} of them new", instances.len()),
        description: format!(
            "Responses per second, stacked by {}, coloured by zone, over the run; above, how many instances were \
             desired, launched, healthy and serving (at most {serving_most}). Requests by instance: {}",
            if by_zone { "zone" } else { "instance" },
            shares.join(", ")
        ),
        height: frame.height(&[UPPER, LOWER]),
        legend,
    };
    Some(sheet.draw(|area| {
        let most =
            (0..frame.columns().len()).map(|i| bands.iter().map(|b| b.rates[i]).sum::<f64>()).fold(0.0, f64::max);
        let axes = vec![
            (Axis::counts("instances", counts.iter().map(|c| greatest(&c.2)).fold(0.0, f64::max)), UPPER),
            (Axis::amounts(format!("responses/s in {}", each(&frame)), most), LOWER),
        ];
        let plots = frame.plots(area, axes);
        for (index, (_, colour, values)) in counts.iter().enumerate() {
            let points: Vec<_> =
                values.iter().enumerate().map(|(i, v)| (i as f64 * frame.seconds_each(), *v)).collect();
            // Thick below thin, so that equal counts can be seen together.
            plots[0].0.steps(&points, *colour, 8 - 2 * index as u32);
        }
        let mut shade = false;
        let layers: Vec<_> = bands
            .iter()
            .map(|band| {
                shade = !shade;
                (colour(band.zone), if shade { 0.75 } else { 0.45 }, &band.rates[..])
            })
            .collect();
        frame.stack(&plots[1].0, &layers);
        name_bands(&plots[1].0, &plots[1].1, &frame, &bands);
        let told = counts.iter().map(|(name, _, values)| series(*name, "instances", values.clone()));
        let rates =
            bands.iter().map(|b| series(b.name.clone(), "responses/s", b.rates.iter().map(|r| Some(*r)).collect()));
        frame.time_axis(&plots, told.chain(rates).collect())
    }))
}

const UPPER: i32 = 150;
const LOWER: i32 = 280;

fn colour(zone: Option<usize>) -> Colour {
    zone.map_or(super::palette::SHADE, |zone| CYCLE[zone % CYCLE.len()])
}

fn zones(instances: &[InstanceFigures]) -> Vec<String> {
    let mut zones: Vec<String> = instances.iter().filter_map(|i| i.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    zones
}

fn rates(frame: &TimeFrame, instance: &InstanceFigures) -> Vec<f64> {
    frame.rates(instance.per_second.iter().map(|n| u64::from(*n)))
}

/// By zone, then by name.
fn bands(frame: &TimeFrame, instances: &[InstanceFigures], zones: &[String]) -> Vec<Band> {
    let zone = |i: &InstanceFigures| i.zone.as_ref().and_then(|zone| zones.iter().position(|z| z == zone));
    let band = |i: &InstanceFigures| Band { name: label(&i.instance), zone: zone(i), rates: rates(frame, i) };
    let mut bands: Vec<Band> = instances.iter().map(band).collect();
    bands.sort_by_key(|band| band.zone.unwrap_or(usize::MAX));
    bands
}

fn zone_bands(frame: &TimeFrame, instances: &[InstanceFigures], zones: &[String]) -> Vec<Band> {
    let of = |zone: Option<usize>| {
        let name = zone.map(|index| &zones[index]);
        let mut sum = vec![0.0; frame.columns().len()];
        for instance in instances.iter().filter(|i| i.zone.as_ref() == name) {
            sum.iter_mut().zip(rates(frame, instance)).for_each(|(sum, rate)| *sum += rate);
        }
        Band { name: name.map_or("zone not told".to_owned(), |name| label(name)), zone, rates: sum }
    };
    let told = (0..zones.len()).map(Some).chain([None]).map(of);
    told.filter(|band| band.rates.iter().any(|rate| *rate > 0.0)).collect()
}

/// Desired, launched, healthy and serving instances in each column.
fn counts(frame: &TimeFrame, instances: &[InstanceFigures]) -> [(&'static str, Colour, Vec<Option<f64>>); 4] {
    let gauge = |of: fn(&FleetGauges) -> u32| frame.sampled(move |s| s.fleet.as_ref().map(|f| f64::from(of(f))));
    let all: Vec<Vec<f64>> = instances.iter().map(|i| rates(frame, i)).collect();
    let serving = |column: usize| Some(all.iter().filter(|rates| rates[column] > 0.0).count() as f64);
    [
        ("desired", PURPLE, gauge(|f| f.desired)),
        ("launched", ORANGE, gauge(|f| f.launched)),
        ("healthy", GREEN, gauge(|f| f.healthy)),
        ("serving (answered in that time)", BLUE, (0..frame.columns().len()).map(serving).collect()),
    ]
}

/// Each band's name where the band is thickest, if it has room there.
fn name_bands(plot: &Plot, area: &Area, frame: &TimeFrame, bands: &[Band]) {
    let mut floor = vec![0.0; frame.columns().len()];
    for band in bands {
        let ceiling: Vec<f64> = floor.iter().zip(&band.rates).map(|(low, rate)| low + rate).collect();
        if let Some(place) = thickest(&band.rates, columns_wide(&band.name, plot, frame)) {
            let x = (place as f64 + 0.5) * frame.seconds_each();
            let (low, high) = (floor[place], ceiling[place]);
            if plot.pixel(x, low).1 - plot.pixel(x, high).1 >= 14 {
                plot.note(area, &band.name, x, (low + high) / 2.0, 11, INK);
            }
        }
        floor = ceiling;
    }
}

fn columns_wide(name: &str, plot: &Plot, frame: &TimeFrame) -> usize {
    let pixels = plot.pixels().0;
    let column = f64::from(pixels.end - pixels.start) / frame.columns().len() as f64;
    (f64::from(text_width(name, 11)) / column).ceil() as usize
}

/// The middle of the `wide` columns whose thinnest is thickest; of equals, that in the middle of all. None where there
/// are not as many.
fn thickest(rates: &[f64], wide: usize) -> Option<usize> {
    let half = wide / 2;
    let thickness = |at: usize| rates[at - half..=at + half].iter().copied().fold(f64::INFINITY, f64::min);
    let off_centre = |at: usize| at.abs_diff(rates.len() / 2);
    let better = |a: &usize, b: &usize| {
        thickness(*a).total_cmp(&thickness(*b)).then_with(|| off_centre(*b).cmp(&off_centre(*a)))
    };
    (half..rates.len().saturating_sub(half)).max_by(better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_where_its_band_is_thickest_over_its_width() {
        assert_eq!(thickest(&[1.0, 9.0, 1.0, 3.0, 3.0, 3.0, 1.0], 3), Some(4));
        assert_eq!(thickest(&[2.0; 9], 3), Some(4));
        assert_eq!(thickest(&[2.0, 2.0], 5), None);
    }
}
