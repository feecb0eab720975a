use super::context::{Context, Surroundings};
use super::timeline::Around;
use super::users::FeederSpec;
use super::workload::Demand;
use crate::plan::estimate::{Journey, service_seconds};
use crate::plan::{FleetPlan, Plan, StoreAccess};
use crate::profile::{Profile, ProfileErrors, ProviderFile};

/// What a run needs besides its plan. It holds secrets, so it is not recorded.
#[derive(Clone, Debug)]
pub struct Unrecorded {
    pub feeder: FeederSpec,
    /// The store that the profile names.
    pub store: Option<StoreAccess>,
}

/// Turns what the user wrote into what a run does. All that can be found wrong is found here, at once; nothing is
/// validated again later.
pub fn resolve(profile: &Profile, around: &dyn Surroundings) -> Result<(Plan, Unrecorded), ProfileErrors> {
    let mut context = Context::new(profile, around);
    let (plan, unrecorded) = context.whole();
    if context.errors.is_empty() { Ok((plan, unrecorded)) } else { Err(profile.errors(context.errors)) }
}

impl Context<'_> {
    fn whole(&mut self) -> (Plan, Unrecorded) {
        let file = &self.profile.file;
        let lab = file.fleet.provider.unwrap_or_default() == ProviderFile::Lab;
        let mut fleet = self.fleet(&file.fleet);
        let users = self.users(&file.users, lab);
        let user_fields = users.fields();
        let states = self.states(&file.session);
        let session = self.session(&file.session, &user_fields, lab);
        let journeys = self.scenarios(&file.scenarios, &user_fields, &states);
        if let Some(identity) = &file.session.identity
            && !file.scenarios.iter().any(|scenario| scenario.steps.iter().any(|step| step.login))
        {
            let help = "mark the steps that log in with `login = true`";
            self.error(&identity.span, "a response should name the user, but no step logs in", help);
        }
        let model = self.model(&file.workload);
        let compress = self.compress(&file.workload);
        let curve = self.curve(&file.workload, model).compressed(compress);
        let service_seconds = service_seconds(&fleet);
        let demand = Demand {
            journey: Journey::mean(&journeys.scenarios, &journeys.steps, service_seconds),
            service_seconds,
            users: users.count(),
        };
        let workload = self.workload(&file.workload, curve, model, &demand);
        let user_count = demand.users.map_or(workload.max_sessions, |(count, _)| count);
        if let FleetPlan::Lab(lab) = &mut fleet {
            lab.users = user_count;
        }
        let length = workload.curve.duration();
        let timeline = self.timeline(&file.timeline, &Around { fleet: &fleet, length, compress, seed: workload.seed });
        let mut plan = Plan {
            name: self.name(),
            description: file.description.trim().to_owned(),
            target: self.target(&file.target, lab),
            connections: self.connections(&file.connections),
            workload,
            scenarios: journeys.scenarios,
            steps: journeys.steps,
            states,
            session,
            fleet,
            timeline,
            objectives: Vec::new(),
            compare: self.compare_rules(&file.compare),
            user_fields,
            user_count,
            variables: journeys.variables,
        };
        plan.objectives = self.objectives(&file.objectives, &plan);
        let store = file.store.as_ref().and_then(|store| self.named_store(store, lab));
        (plan, Unrecorded { feeder: users.feeder(user_count), store })
    }

    /// The profile's name, which also names a directory.
    fn name(&mut self) -> String {
        let profile = self.profile;
        let Some(name) = &profile.file.name else {
            return profile.path.file_stem().map_or("profile".to_owned(), |stem| stem.to_string_lossy().into_owned());
        };
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if name.is_empty() || !plain || name.starts_with('.') {
            let help = "letters, digits, `-`, `_` and `.`: results are kept in a directory of this name";
            self.error(&name.span, format!("`{}` cannot name a profile", name.value), help);
        }
        name.value.clone()
    }
}
