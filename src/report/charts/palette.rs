use plotters::style::RGBColor;
use std::fmt::Write as _;

pub(super) type Colour = RGBColor;

pub(super) const BACKGROUND: Colour = RGBColor(0xff, 0xff, 0xff);
pub(super) const INK: Colour = RGBColor(0x1f, 0x23, 0x28);
pub(super) const FAINT: Colour = RGBColor(0x5b, 0x63, 0x6d);
pub(super) const GRID: Colour = RGBColor(0xe3, 0xe6, 0xea);
/// Grey of areas that lie behind the data.
pub(super) const SHADE: Colour = RGBColor(0x5b, 0x70, 0x83);
/// Losses, and nothing else.
pub(super) const LOSS: Colour = RGBColor(0xc1, 0x12, 0x1f);

// M. Okabe and K. Ito, "Color Universal Design" (2008): told apart with any kind of colour vision. Yellow is left out,
// which is hardly seen on white.
pub(super) const BLUE: Colour = RGBColor(0x00, 0x72, 0xb2);
pub(super) const ORANGE: Colour = RGBColor(0xe6, 0x9f, 0x00);
pub(super) const GREEN: Colour = RGBColor(0x00, 0x9e, 0x73);
pub(super) const PURPLE: Colour = RGBColor(0xcc, 0x79, 0xa7);
pub(super) const SKY: Colour = RGBColor(0x56, 0xb4, 0xe9);
pub(super) const VERMILLION: Colour = RGBColor(0xd5, 0x5e, 0x00);

/// For things of one kind, in order.
pub(super) const CYCLE: [Colour; 6] = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION];

/// Each colour, and what stands for it on a dark ground.
const ON_DARK: [(Colour, Colour); 12] = [
    (BACKGROUND, RGBColor(0x12, 0x17, 0x1d)),
    (INK, RGBColor(0xe6, 0xed, 0xf3)),
    (FAINT, RGBColor(0xa3, 0xad, 0xb8)),
    (GRID, RGBColor(0x2b, 0x33, 0x3d)),
    (SHADE, RGBColor(0xa9, 0xbd, 0xd0)),
    (LOSS, RGBColor(0xff, 0x6b, 0x6b)),
    (BLUE, RGBColor(0x4b, 0xa6, 0xe3)),
    (ORANGE, RGBColor(0xf2, 0xb1, 0x34)),
    (GREEN, RGBColor(0x2c, 0xc2, 0x95)),
    (PURPLE, RGBColor(0xe2, 0x9b, 0xc4)),
    (SKY, RGBColor(0x9b, 0xd6, 0xf7)),
    (VERMILLION, RGBColor(0xff, 0x85, 0x45)),
];

fn hex(colour: Colour) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}

/// The style sheet of every chart. Colours stand in the SVG's attributes, which any viewer understands; where the reader
/// prefers a dark ground, the sheet has others in their place.
pub(in crate::report) fn style_sheet() -> String {
    let mut css = String::from("@media (prefers-color-scheme:dark){");
    for (light, dark) in ON_DARK {
        let (light, dark) = (hex(light), hex(dark));
        write!(css, ".rushhour-chart [fill=\"{light}\"]{{fill:{dark}}}").expect("a String takes all text");
        write!(css, ".rushhour-chart [stroke=\"{light}\"]{{stroke:{dark}}}").expect("a String takes all text");
    }
    css.push('}');
    css
}
