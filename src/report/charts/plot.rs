use super::axis::Axis;
use super::palette::{Colour, FAINT, GRID};
use super::sheet::{Area, centred, drawn, left, right, write};
use plotters::chart::ChartContext;
use plotters::prelude::*;
use std::ops::Range;

/// Two axes, and what is drawn between them.
pub(super) struct Plot<'a> {
    chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>,
}

/// Room for the labels of the y axis, the same in all plots so that those below each other line up.
pub(super) const LEFT: i32 = 76;
pub(super) const RIGHT: i32 = 20;
const BOTTOM: i32 = 40;
const TITLE: i32 = 24;

/// Whether the x axis is labelled, or that is left to the plot below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum XLabels {
    Shown,
    Left,
}

impl<'a> Plot<'a> {
    pub(super) fn new(area: &Area<'a>, x: Axis, y: Axis, labels: XLabels) -> Plot<'a> {
        let (bottom_labels, below) = if labels == XLabels::Shown { (BOTTOM, 0) } else { (0, 8) };
        let (x_title, y_title) = (x.title.clone(), y.title.clone());
        let mut chart = ChartBuilder::on(area)
            .margin_right(RIGHT)
            .margin_top(if y_title.is_empty() { 4 } else { TITLE })
            .margin_bottom(below)
            .y_label_area_size(LEFT)
            .x_label_area_size(bottom_labels)
            .build_cartesian_2d(x, y)
            .expect("the areas of a sheet have room for an axis");
        let text = left(11, FAINT);
        let mut mesh = chart.configure_mesh();
        mesh.max_light_lines(0)
            .bold_line_style(GRID)
            .axis_style(FAINT)
            .label_style(text.clone())
            .axis_desc_style(text.clone());
        if labels == XLabels::Shown {
            mesh.x_desc(x_title);
        }
        drawn(mesh.draw());
        // Lying, not upright: it is read first.
        write(area, &y_title, (16, TITLE / 2), text);
        Plot { chart }
    }

    /// Pixels, counted from the sheet's corner: left to right, top to bottom.
    pub(super) fn pixels(&self) -> (Range<i32>, Range<i32>) {
        self.chart.plotting_area().get_pixel_range()
    }

    pub(super) fn pixel(&self, x: f64, y: f64) -> (i32, i32) {
        self.chart.backend_coord(&(x, y))
    }

    /// A line through the points; it breaks where there is none.
    pub(super) fn line(&self, points: &[(f64, Option<f64>)], colour: Colour, width: u32) {
        for run in points.split(|(_, y)| y.is_none()).filter(|run| !run.is_empty()) {
            let places: Vec<(f64, f64)> = run.iter().map(|(x, y)| (*x, y.unwrap_or_default())).collect();
            let area = self.chart.plotting_area();
            match places[..] {
                // What stands alone would be a line of no length.
                [alone] => drawn(area.draw(&Circle::new(alone, width, colour.filled()))),
                _ => drawn(area.draw(&PathElement::new(places, colour.stroke_width(width)))),
            }
        }
    }

    /// Values that hold until the next point.
    pub(super) fn steps(&self, points: &[(f64, Option<f64>)], colour: Colour, width: u32) {
        let mut corners: Vec<(f64, Option<f64>)> = Vec::with_capacity(points.len() * 2);
        for (x, y) in points {
            if let Some((_, Some(before))) = corners.last().copied() {
                corners.push((*x, Some(before)));
            }
            corners.push((*x, *y));
        }
        self.line(&corners, colour, width);
    }

    /// Fills between two lines of one length.
    pub(super) fn field(&self, low: &[(f64, f64)], high: &[(f64, f64)], colour: Colour, opacity: f64) {
        let around: Vec<(f64, f64)> = high.iter().chain(low.iter().rev()).copied().collect();
        drawn(self.chart.plotting_area().draw(&Polygon::new(around, colour.mix(opacity))));
    }

    pub(super) fn rectangle(&self, x: Range<f64>, y: Range<f64>, colour: Colour, opacity: f64) {
        let corners = [(x.start, y.end), (x.end, y.start)];
        drawn(self.chart.plotting_area().draw(&Rectangle::new(corners, colour.mix(opacity).filled())));
    }

    /// From bottom to top.
    pub(super) fn upright(&self, x: f64, colour: Colour, opacity: f64) {
        let y = self.chart.y_range();
        let line = PathElement::new([(x, y.start), (x, y.end)], colour.mix(opacity).stroke_width(1));
        drawn(self.chart.plotting_area().draw(&line));
    }

    pub(super) fn shade(&self, x: Range<f64>, colour: Colour, opacity: f64) {
        self.rectangle(x, self.chart.y_range(), colour, opacity);
    }

    pub(super) fn dot(&self, x: f64, y: f64, colour: Colour) {
        drawn(self.chart.plotting_area().draw(&Circle::new((x, y), 4, colour.filled())));
    }

    /// Text around a point.
    pub(super) fn note(&self, area: &Area, text: &str, x: f64, y: f64, size: u32, colour: Colour) {
        let (px, py) = self.pixel(x, y);
        let base = area.get_base_pixel();
        write(area, text, (px - base.0, py - base.1), centred(size, colour));
    }

    /// A remark in the upper right corner.
    pub(super) fn corner(&self, area: &Area, text: &str) {
        let ((x, y), base) = (self.pixels(), area.get_base_pixel());
        write(area, text, (x.end - base.0 - 6, y.start - base.1 + 12), right(11, FAINT));
    }
}
