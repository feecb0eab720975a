use super::context::Context;
use crate::plan::{CloudWatchPlan, Publish};
use crate::profile::{At, CloudWatchFile, PublishFile};

/// "Dimension" and "PutMetricData", Amazon CloudWatch API reference.
const LONGEST_NAMESPACE: usize = 255;
const LONGEST_VALUE: usize = 1024;

impl Context<'_> {
    pub fn publish(&mut self, file: &PublishFile) -> Publish {
        Publish { cloudwatch: file.cloudwatch.as_ref().map(|file| self.cloudwatch(file)) }
    }

    fn cloudwatch(&mut self, file: &At<CloudWatchFile>) -> CloudWatchPlan {
        if !cfg!(feature = "aws") {
            let help = "build it with the feature `aws`, which is on by default";
            self.error(&file.span, "this rushhour was built without AWS", help);
        }
        if let Some(namespace) = &file.namespace {
            let plain = namespace.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/#:".contains(c));
            if namespace.is_empty() || namespace.len() > LONGEST_NAMESPACE || !plain || namespace.starts_with(':') {
                let help = "letters, digits and `.-_/#:`, at most 255 of them, and no `:` at the front";
                self.error(&namespace.span, "CloudWatch does not take this as a namespace", help);
            } else if namespace.starts_with("AWS/") {
                self.error(&namespace.span, "namespaces that begin with `AWS/` are AWS' own", "such as `rushhour`");
            }
        }
        if let Some(version) = &file.version {
            let plain = version.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            if version.trim().is_empty() || version.len() > LONGEST_VALUE || !plain || version.starts_with(':') {
                let help = "ASCII, at most 1024 characters, not only blanks, and no `:` at the front";
                self.error(&version.span, "CloudWatch does not take this as a dimension", help);
            }
        }
        let value = |written: &Option<At<String>>| written.as_ref().map(|written| written.value.clone());
        CloudWatchPlan {
            namespace: value(&file.namespace).unwrap_or_else(|| "rushhour".to_owned()),
            region: file.region.as_ref().map(|region| self.region(region)),
            version: value(&file.version),
        }
    }
}
