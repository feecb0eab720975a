use super::Observation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the balancer's access log tells of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served<'a> {
    /// The target it was sent to.
    pub target: Option<&'a str>,
    /// Status that the balancer answered with; 0 when it did not.
    pub balancer_status: u16,
    /// Status that the target answered with; 0 when it did not.
    pub target_status: u16,
    /// Why the balancer could not do what it was to do.
    pub error_reason: Option<&'a str>,
}

impl<'a> Served<'a> {
    /// Who served: a target that did not answer served nobody.
    pub fn instance(&self) -> Option<&'a str> {
        self.target.filter(|_| self.target_status != 0)
    }
}

/// What the balancer's access logs came to: `served-by.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedBy {
    pub log_files: u64,
    /// Those of them that could not be read to their end.
    pub damaged_files: u64,
    pub log_lines: u64,
    /// Those of them that are no lines of an access log.
    pub damaged_lines: u64,
    /// Answers in the record, and those of them that a log tells of.
    pub answers: u64,
    pub matched: u64,
    /// Matched answers with a server error (5xx): made by the balancer, and by the application behind it.
    pub balancer_errors: u64,
    pub application_errors: u64,
    /// What the balancer says of errors, with how often.
    pub error_reasons: BTreeMap<String, u64>,
    /// What stood in the way of the logs, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl ServedBy {
    /// Counts a row of the record, with what a log tells of it.
    pub fn count(&mut self, row: &Observation, served: Option<&Served>) {
        if row.status == 0 {
            return;
        }
        self.answers += 1;
        let Some(served) = served else { return };
        self.matched += 1;
        if row.status >= 500 {
            let by = if served.target_status >= 500 { &mut self.application_errors } else { &mut self.balancer_errors };
            *by += 1;
        }
        if let Some(reason) = served.error_reason {
            *self.error_reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }

    /// In words, for all who show it.
    pub fn told(&self) -> Vec<String> {
        let share = if self.answers == 0 { 0.0 } else { 100.0 * self.matched as f64 / self.answers as f64 };
        let mut lines = vec![format!(
            "{share:.2} % of answers found in the balancer's access logs ({} of {}; {} files, {} lines)",
            self.matched, self.answers, self.log_files, self.log_lines
        )];
        if self.damaged_files + self.damaged_lines > 0 {
            lines.push(format!("damaged: {} files, {} lines", self.damaged_files, self.damaged_lines));
        }
        if self.balancer_errors + self.application_errors > 0 {
            let reasons: Vec<String> = self.error_reasons.iter().map(|(why, n)| format!("{why} {n}")).collect();
            let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
            lines.push(format!(
                "server errors: {} by the balancer{reasons}, {} by the application",
                self.balancer_errors, self.application_errors
            ));
        }
        lines.extend(self.trouble.clone());
        lines
    }
}
