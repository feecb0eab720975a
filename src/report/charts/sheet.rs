use super::palette::{self, BACKGROUND, Colour, FAINT, INK};
use super::{Chart, TimeAxis};
use crate::report::text::cell;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Debug;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) const WIDTH: u32 = 960;
const MARGIN: i32 = 16;
const LEGEND_TOP: i32 = 46;
const LEGEND_ROW: i32 = 18;

/// A chart before it is drawn: all but the plots.
pub(super) struct Sheet {
    pub name: &'static str,
    pub title: String,
    pub description: String,
    /// Of the plots; title and legend come on top.
    pub height: i32,
    pub legend: Vec<Key>,
}

/// What something in the plots stands for.
#[derive(Clone, Debug)]
pub(super) struct Key {
    label: String,
    form: Form,
    colour: Colour,
    opacity: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Line,
    Field,
    Dot,
    /// No mark: a remark.
    None,
}

impl Key {
    pub(super) fn line(label: impl Into<String>, colour: Colour) -> Key {
        Key { label: label.into(), form: Form::Line, colour, opacity: 1.0 }
    }

    pub(super) fn field(label: impl Into<String>, colour: Colour, opacity: f64) -> Key {
        Key { label: label.into(), form: Form::Field, colour, opacity }
    }

    pub(super) fn dot(label: impl Into<String>, colour: Colour) -> Key {
        Key { label: label.into(), form: Form::Dot, colour, opacity: 1.0 }
    }

    pub(super) fn remark(text: impl Into<String>) -> Key {
        Key { label: text.into(), form: Form::None, colour: FAINT, opacity: 1.0 }
    }

    fn width(&self) -> i32 {
        text_width(&self.label, 12) + if self.form == Form::None { 16 } else { 42 }
    }
}

impl Sheet {
    /// Draws title and legend, has `plot` draw into what is left, and dresses the SVG.
    pub(super) fn draw(self, plot: impl FnOnce(&Area) -> Option<TimeAxis>) -> Chart {
        let places = self.legend_places();
        let top = places.last().map_or(LEGEND_TOP, |(_, y)| y + LEGEND_ROW + 6);
        let height = (top + self.height) as u32;
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        drawn(root.fill(&BACKGROUND));
        write(&root, &self.title, (MARGIN, 14), bold(17, INK));
        for (key, place) in self.legend.iter().zip(&places) {
            draw_key(&root, key, *place);
        }
        let (_, below) = root.split_vertically(top);
        let time_axis = plot(&below);
        drawn(root.present());
        drop((root, below));
        let svg = dressed(&svg, &self.title, &self.description, height);
        Chart { name: self.name, title: self.title, description: self.description, svg, time_axis }
    }

    /// From left to right, then in the next row.
    fn legend_places(&self) -> Vec<(i32, i32)> {
        let (mut x, mut y) = (MARGIN, LEGEND_TOP);
        let mut place = |key: &Key| {
            if x > MARGIN && x + key.width() > WIDTH as i32 - MARGIN {
                (x, y) = (MARGIN, y + LEGEND_ROW);
            }
            let here = (x, y);
            x += key.width();
            here
        };
        self.legend.iter().map(&mut place).collect()
    }
}

fn draw_key(root: &Area, key: &Key, (x, y): (i32, i32)) {
    let colour = key.colour.mix(key.opacity);
    let text_at = match key.form {
        Form::Line => {
            drawn(root.draw(&PathElement::new([(x, y + 7), (x + 18, y + 7)], colour.stroke_width(3))));
            x + 24
        }
        Form::Field => {
            drawn(root.draw(&Rectangle::new([(x, y + 1), (x + 18, y + 13)], colour.filled())));
            x + 24
        }
        Form::Dot => {
            drawn(root.draw(&Circle::new((x + 9, y + 7), 4, colour.filled())));
            x + 24
        }
        Form::None => x,
    };
    write(root, &key.label, (text_at, y + 7), left(12, if key.form == Form::None { FAINT } else { INK }));
}

/// Drawing into text cannot fail, and areas are never nested while one is drawn to.
pub(super) fn drawn<E: Debug>(result: Result<(), E>) {
    result.expect("drawing into a String cannot fail");
}

pub(super) type TextLook = TextStyle<'static>;

fn look(size: u32, colour: Colour, font: FontStyle, h_pos: HPos, v_pos: VPos) -> TextLook {
    // What plotters writes is smaller by 1.24 than what it is asked for.
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(size) * 1.24, font);
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(h_pos, v_pos) }
}

fn bold(size: u32, colour: Colour) -> TextLook {
    look(size, colour, FontStyle::Bold, HPos::Left, VPos::Top)
}

pub(super) fn left(size: u32, colour: Colour) -> TextLook {
    look(size, colour, FontStyle::Normal, HPos::Left, VPos::Center)
}

pub(super) fn centred(size: u32, colour: Colour) -> TextLook {
    look(size, colour, FontStyle::Normal, HPos::Center, VPos::Center)
}

pub(super) fn right(size: u32, colour: Colour) -> TextLook {
    look(size, colour, FontStyle::Normal, HPos::Right, VPos::Center)
}

pub(super) fn write(area: &Area, text: &str, at: (i32, i32), look: TextLook) {
    drawn(area.draw(&Text::new(text.to_owned(), at, look)));
}

/// About what a text is wide: the font is the reader's.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * 0.56).ceil() as i32
}

/// A name that came from a response or a profile, made safe and short. Two characters are no text in XML.
pub(super) fn label(name: &str) -> String {
    cell(name).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// Puts an opening tag of our own in place of the one that plotters wrote.
fn dressed(svg: &str, title: &str, description: &str, height: u32) -> String {
    let (_, body) = svg.split_once('>').expect("plotters begins with the opening tag");
    let spoken = attribute(&format!("{title}. {description}"));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rushhour-chart\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{spoken}\"><style>{}</style>{body}",
        palette::style_sheet()
    )
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
