use super::context::Context;
use super::template::Names;
use crate::plan::{
    Allowance, IdentityRule, OnRejected, Piece, RejectionRule, SessionRules, Source, State, StateKind, Template,
};
use crate::profile::{At, IdentityFile, OnRejectedFile, PlaceFile, RejectionFile, SessionFile, StateFile, StatusFile};

impl Context<'_> {
    pub fn session(&mut self, file: &SessionFile, user_fields: &[String], lab: bool) -> SessionRules {
        let rejected = match &file.rejected {
            Some(rules) => rules.iter().map(|rule| self.rejection(rule)).collect(),
            None => vec![
                RejectionRule { status: vec![401], redirect: None, body: None },
                RejectionRule { status: Vec::new(), redirect: Some("/login".to_owned()), body: None },
            ],
        };
        let identity = match &file.identity {
            Some(identity) => self.identity(identity, user_fields),
            None => lab.then(|| IdentityRule {
                source: Source::Header("x-user".to_owned()),
                equals: Template { pieces: vec![Piece::User(0)] },
            }),
        };
        SessionRules {
            rejected,
            identity,
            on_rejected: match file.on_rejected.unwrap_or_default() {
                OnRejectedFile::Relogin => OnRejected::Relogin,
                OnRejectedFile::Leave => OnRejected::Leave,
            },
            idle_timeout: file.idle_timeout.as_ref().map(|time| time.0),
            lifetime: file.lifetime.as_ref().map(|time| time.0),
            allow: Allowance { relogins: file.allow.relogins, state_lost: file.allow.state_lost },
        }
    }

    fn rejection(&mut self, rule: &At<RejectionFile>) -> RejectionRule {
        if rule.status.is_none() && rule.redirect.is_none() && rule.body.is_none() {
            self.error(&rule.span, "every response would ask for a login", "give `status`, `redirect` or `body`");
        }
        if let Some(path) = rule.redirect.as_ref().filter(|path| !path.starts_with('/')) {
            self.error(&path.span, format!("`{}` is not a path", path.value), "it begins with `/`, such as `/login`");
        }
        RejectionRule {
            status: rule.status.as_ref().map_or(Vec::new(), |status| self.statuses(status)),
            redirect: rule.redirect.as_ref().map(|path| path.value.clone()),
            body: rule.body.as_ref().map(|text| text.value.clone()),
        }
    }

    pub fn statuses(&mut self, status: &At<StatusFile>) -> Vec<u16> {
        let list = match &status.value {
            StatusFile::One(status) => vec![*status],
            StatusFile::Any(list) => list.clone(),
        };
        if list.is_empty() {
            self.error(&status.span, "no status is allowed", "name one, such as `200`");
        }
        if let Some(none) = list.iter().find(|status| !(100..600).contains(*status)) {
            self.error(&status.span, format!("{none} is no HTTP status"), "they go from 100 to 599");
        }
        list
    }

    fn identity(&mut self, file: &At<IdentityFile>, user_fields: &[String]) -> Option<IdentityRule> {
        let place = PlaceFile {
            header: file.header.clone(),
            cookie: file.cookie.clone(),
            json: file.json.clone(),
            regex: file.regex.clone(),
            css: file.css.clone(),
            attribute: file.attribute.clone(),
        };
        let source = self.place(&At { value: place, span: file.span.clone() })?;
        let names = Names { user_fields, variables: &[] };
        let equals = match &file.equals {
            Some(text) => self.template(text, &text.span, names),
            None => Template { pieces: vec![Piece::User(0)] },
        };
        if let Some(text) = &file.equals {
            let drawn = |piece: &Piece| !matches!(piece, Piece::Text(_) | Piece::User(_));
            if equals.pieces.iter().any(drawn) || equals.as_literal().is_some() {
                let help = "write `equals = \"{{user.name}}\"`, or another field of the user";
                self.error(&text.span, "this does not tell one user from another", help);
            }
        }
        Some(IdentityRule { source, equals })
    }

    /// States in order of their names.
    pub fn states(&mut self, file: &SessionFile) -> Vec<State> {
        if let Some((_, last)) = file.states.iter().nth(usize::from(u8::MAX)) {
            self.error(&last.span, "more than 255 states", "leave some out");
        }
        let kind = |kind: StateFile| match kind {
            StateFile::Counter => StateKind::Counter,
            StateFile::Register => StateKind::Register,
            StateFile::Job => StateKind::Job,
        };
        file.states.iter().map(|(name, state)| State { name: name.clone(), kind: kind(state.value) }).collect()
    }
}
