use std::fmt::{Display, Write as _};

/// Text in the Prometheus exposition format 0.0.4, put together family by family.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    family: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    Summary,
}

impl Exposition {
    pub fn new() -> Exposition {
        Exposition::default()
    }

    /// Begins a family; its samples follow.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self.family = name;
    }

    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.suffixed("", labels, value);
    }

    /// A summary of times: quantiles, sum and count, in seconds.
    pub fn times(&mut self, labels: &[(&str, &str)], quantiles: &[(&str, f64)], sum_seconds: f64, count: u64) {
        for (quantile, seconds) in quantiles.iter().filter(|_| count > 0) {
            let labels: Vec<_> = labels.iter().copied().chain([("quantile", *quantile)]).collect();
            self.sample(&labels, seconds);
        }
        self.suffixed("_sum", labels, sum_seconds);
        self.suffixed("_count", labels, count);
    }

    fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        if !labels.is_empty() {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }

    pub fn finish(self) -> String {
        self.text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        let mut text = Exposition::new();
        text.family("rushhour_up", Kind::Gauge, "Whether.");
        text.sample(&[("instance", "a\\\"} 1\n# x"), ("zone", "é")], 1);
        assert_eq!(
            text.finish(),
            "# HELP rushhour_up Whether.\n# TYPE rushhour_up gauge\n\
             rushhour_up{instance=\"a\\\\\\\"} 1\\n# x\",zone=\"é\"} 1\n"
        );
    }
}
