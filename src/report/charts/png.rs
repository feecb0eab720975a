use super::Chart;
use resvg::{tiny_skia, usvg};

/// Turns charts into PNG, in their light colours, with the machine's sans-serif font.
pub struct Painter {
    options: usvg::Options<'static>,
}

impl Painter {
    /// Pixels to one unit of the SVG: sharp on today's screens, and in print.
    const SCALE: f32 = 2.0;
    /// What stands for "sans-serif" where the machine's settings do not say.
    const FAMILIES: [&'static str; 4] = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial"];

    /// None where there is no font: a chart without its words would mislead.
    pub fn new() -> Option<Painter> {
        let mut options = usvg::Options::default();
        let fonts = options.fontdb_mut();
        fonts.load_system_fonts();
        let named = |family: &str| {
            let has = |face: &usvg::fontdb::FaceInfo| face.families.iter().any(|(name, _)| name == family);
            fonts.faces().any(has)
        };
        let sans_serif = fonts.family_name(&usvg::fontdb::Family::SansSerif).to_owned();
        if !named(&sans_serif) {
            let known = Self::FAMILIES.into_iter().find(|family| named(family)).map(str::to_owned);
            let any = fonts.faces().find_map(|face| Some(face.families.first()?.0.clone()));
            let family = known.or(any)?;
            fonts.set_sans_serif_family(family);
        }
        Some(Painter { options })
    }

    pub fn png(&self, chart: &Chart) -> Vec<u8> {
        // The style sheet is about dark schemes only, which a picture does not have.
        let (head, rest) = chart.svg.split_once("<style>").expect("each chart has a style sheet");
        let (_, body) = rest.split_once("</style>").expect("it ends");
        let tree = usvg::Tree::from_str(&format!("{head}{body}"), &self.options).expect("our SVG is well-formed");
        let size = tree.size().to_int_size().scale_by(Self::SCALE).expect("it is not too large");
        let mut picture = tiny_skia::Pixmap::new(size.width(), size.height()).expect("it is not empty");
        let scale = tiny_skia::Transform::from_scale(Self::SCALE, Self::SCALE);
        resvg::render(&tree, scale, &mut picture.as_mut());
        picture.encode_png().expect("a picture in memory can be encoded")
    }
}
