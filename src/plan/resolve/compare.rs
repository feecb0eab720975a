use super::context::Context;
use super::objective::share;
use crate::plan::CompareRules;
use crate::profile::{At, CompareFile, LimitFile, Span};

impl Context<'_> {
    pub fn compare_rules(&mut self, file: &CompareFile) -> CompareRules {
        let default = CompareRules::default();
        let seconds =
            |written: &Option<At<Span>>, default: f64| written.as_ref().map_or(default, |s| s.0.as_secs_f64());
        if let Some(block) = file.block.as_ref().filter(|block| block.0.as_secs_f64() < 1.0) {
            self.error(&block.span, "a block this short holds next to nothing", "give at least `1s`");
        }
        let confidence = self.share_of(&file.confidence, default.confidence);
        if let Some(written) = file.confidence.as_ref().filter(|_| !(0.5..1.0).contains(&confidence)) {
            self.error(&written.span, "nothing can be that sure, or that unsure", "such as `\"95%\"`");
        }
        CompareRules {
            response_time: self.share_of(&file.response_time, default.response_time),
            response_time_floor_ms: 1e3 * seconds(&file.response_time_floor, default.response_time_floor_ms / 1e3),
            error_rate: self.share_of(&file.error_rate, default.error_rate),
            stage: self.share_of(&file.stage, default.stage),
            stage_floor_seconds: seconds(&file.stage_floor, default.stage_floor_seconds),
            confidence,
            block_seconds: seconds(&file.block, default.block_seconds),
        }
    }

    fn share_of(&mut self, written: &Option<At<LimitFile>>, default: f64) -> f64 {
        let Some(written) = written else { return default };
        share(written).unwrap_or_else(|| {
            self.error(&written.span, "this is a share from 0 to 1", "such as `\"10%\"` or `0.1`");
            default
        })
    }
}
