use super::context::Context;
use crate::plan::{Action, FleetPlan, TimelineEntry};
use crate::profile::{ActionFile, At, Span, TimelineFile};
use std::time::Duration;

impl Context<'_> {
    /// Entries in order of time, at the compressed time. `length` is that of the compressed curve.
    pub fn timeline(
        &mut self,
        files: &[At<TimelineFile>],
        fleet: &FleetPlan,
        length: Duration,
        compress: f64,
    ) -> Vec<TimelineEntry> {
        let mut entries: Vec<TimelineEntry> = Vec::new();
        for file in files {
            let at = Duration::from_secs_f64(file.at.0.as_secs_f64() / compress);
            if !length.is_zero() && at >= length {
                let message = format!("the load is over by then: it lasts {}", Span(length.mul_f64(compress)));
                self.error(&file.at.span, message, "make it earlier, or lengthen the curve");
            }
            if matches!(fleet, FleetPlan::Observe { .. }) && file.action.value != ActionFile::Declare {
                let help = "write `do = \"declare\"` with a `name`, and let whoever runs the fleet change it then";
                self.error(&file.action.span, "a fleet that is only observed cannot be changed", help);
            }
            entries.extend(self.action(file).map(|action| TimelineEntry { at, action }));
        }
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    fn action(&mut self, file: &At<TimelineFile>) -> Option<Action> {
        let (wants, others) = match file.action.value {
            ActionFile::ScaleOut | ActionFile::ScaleIn => ("by", ["to", "name"]),
            ActionFile::SetCapacity => ("to", ["by", "name"]),
            ActionFile::Declare => ("name", ["by", "to"]),
        };
        let given = [
            file.by.as_ref().map(|by| ("by", &by.span, by.value == 0)),
            file.to.as_ref().map(|to| ("to", &to.span, to.value == 0)),
            file.name.as_ref().map(|name| ("name", &name.span, name.trim().is_empty())),
        ];
        for (key, span, nothing) in given.into_iter().flatten() {
            if others.contains(&key) {
                self.error(span, format!("`{key}` does not belong here"), format!("this action takes `{wants}`"));
            } else if nothing {
                self.error(span, format!("`{key}` changes nothing"), "give a number above 0, or a name");
            }
        }
        let by = file.by.as_ref().map_or(1, |by| by.value);
        match file.action.value {
            ActionFile::ScaleOut => Some(Action::ScaleOut { by }),
            ActionFile::ScaleIn => Some(Action::ScaleIn { by }),
            ActionFile::SetCapacity => match &file.to {
                Some(to) => Some(Action::SetCapacity { to: to.value }),
                None => {
                    self.error(&file.action.span, "`set-capacity` needs `to`", "such as `to = 4`");
                    None
                }
            },
            ActionFile::Declare => match &file.name {
                Some(name) => Some(Action::Declare { name: name.value.clone() }),
                None => {
                    self.error(&file.action.span, "`declare` needs `name`", "such as `name = \"rollout\"`");
                    None
                }
            },
        }
    }
}
