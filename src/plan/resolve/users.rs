use super::context::Context;
use crate::plan::{Feeder, Secret, UserRow};
use crate::profile::{At, SecretFile, UsersFile};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The users of a run, but for the password that the lab makes up for each run.
#[derive(Clone, Debug)]
pub enum FeederSpec {
    /// Users of the lab, all with the run's password.
    Lab {
        name: String,
        count: u32,
    },
    Ready(Feeder),
}

impl FeederSpec {
    /// What the names of the lab's users start with; their numbers follow.
    pub fn lab_prefix(&self) -> &str {
        match self {
            FeederSpec::Lab { name, .. } => name.trim_end_matches("{n}"),
            FeederSpec::Ready(_) => "",
        }
    }

    /// `run_password` is what the lab's users log in with; other users have their own.
    pub fn build(self, run_password: Secret) -> Feeder {
        match self {
            FeederSpec::Lab { name, count } => Feeder::Generated { name, password: run_password, count },
            FeederSpec::Ready(feeder) => feeder,
        }
    }
}

/// The users as far as the profile tells: on the lab their number may follow from the sessions.
pub(super) enum Users {
    Generated { name: String, password: Option<Secret>, count: Option<At<u32>> },
    Rows { fields: Vec<String>, rows: Arc<Vec<UserRow>>, span: Range<usize> },
}

impl Users {
    pub fn fields(&self) -> Vec<String> {
        match self {
            Users::Generated { .. } => vec!["name".to_owned(), "password".to_owned()],
            Users::Rows { fields, .. } => fields.clone(),
        }
    }

    /// How many there are, and where the profile says so.
    pub fn count(&self) -> Option<(u32, Range<usize>)> {
        match self {
            Users::Generated { count, .. } => count.as_ref().map(|count| (count.value, count.span.clone())),
            Users::Rows { rows, span, .. } => Some((rows.len() as u32, span.clone())),
        }
    }

    pub fn feeder(self, count: u32) -> FeederSpec {
        match self {
            Users::Generated { name, password: None, .. } => FeederSpec::Lab { name, count },
            Users::Generated { name, password: Some(password), .. } => {
                FeederSpec::Ready(Feeder::Generated { name, password, count })
            }
            Users::Rows { rows, .. } => FeederSpec::Ready(Feeder::Rows(rows)),
        }
    }
}

impl Context<'_> {
    pub fn users(&mut self, file: &UsersFile, lab: bool) -> Users {
        if let Some(path) = &file.csv {
            if lab {
                self.error(&path.span, "the lab makes its users itself", "leave `users` out, or give only `generate`");
            }
            let others = [
                file.generate.as_ref().map(|g| (&g.span, "generate")),
                file.name.as_ref().map(|n| (&n.span, "name")),
                file.password.as_ref().map(|p| (&p.span, "password")),
            ];
            for (span, key) in others.into_iter().flatten() {
                self.error(span, format!("`{key}` beside `csv`"), "users are generated or from a file, not both");
            }
            return self.user_rows(path);
        }
        let count = file.generate.clone();
        if let Some(none) = count.as_ref().filter(|count| count.value == 0) {
            self.error(&none.span, "no users at all", "every session needs a user; write `generate = 100`");
        }
        let name = file.name.as_ref().map_or("shopper{n}".to_owned(), |name| name.value.clone());
        if let Some(written) = &file.name {
            if written.matches("{n}").count() != 1 {
                self.error(&written.span, "all users would have the same name", "`{n}` stands for the user's number");
            } else if lab && !written.ends_with("{n}") {
                self.error(&written.span, "on the lab a user's number ends its name", "such as `shopper{n}`");
            }
        }
        let password = match (&file.password, lab) {
            (Some(password), true) => {
                self.error(&password.span, "the lab makes a password for each run", "leave it out");
                None
            }
            (Some(password), false) => self.secret(password),
            (None, true) => None,
            (None, false) => {
                // An application without logins needs no password; templates that ask for it get an empty one.
                Some(Secret::new(""))
            }
        };
        Users::Generated { name, password, count }
    }

    pub(super) fn secret(&mut self, source: &At<SecretFile>) -> Option<Secret> {
        let value = match &source.value {
            SecretFile::Env(name) => match self.around.variable(name) {
                Some(value) => value,
                None => {
                    let help = format!("`export {name}=…` before the run");
                    self.error(&source.span, format!("the environment variable `{name}` is not set"), help);
                    return None;
                }
            },
            SecretFile::File(path) => self.read(path, &source.span)?.trim_end_matches(['\r', '\n']).to_owned(),
        };
        if value.is_empty() {
            self.error(&source.span, "the secret is empty", "check the variable or file");
        }
        Some(Secret::new(value))
    }

    fn user_rows(&mut self, path: &At<std::path::PathBuf>) -> Users {
        let text = self.read(path, &path.span);
        let parsed = text.map(|text| parse_rows(&text)).unwrap_or(Ok((vec!["name".to_owned()], Vec::new())));
        let (fields, rows) = parsed.unwrap_or_else(|reason| {
            let shown = path.display().to_string();
            self.error(&path.span, format!("`{shown}`: {reason}"), "a header row, then a user a row: `name,password`");
            (vec!["name".to_owned()], Vec::new())
        });
        Users::Rows { fields, rows: Arc::new(rows), span: path.span.clone() }
    }
}

/// Fields and rows, the user's name first. Errors never quote a cell, which may be a password.
fn parse_rows(text: &str) -> Result<(Vec<String>, Vec<UserRow>), String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|_| "not CSV".to_owned())?.clone();
    let mut order: Vec<usize> = (0..headers.len()).collect();
    let name = headers.iter().position(|header| header == "name").unwrap_or(0);
    order.retain(|&at| at != name);
    order.insert(0, name);
    // Generated users' first field is `name`, so that `{{user.name}}` always works.
    let fields: Vec<String> =
        order.iter().map(|&at| if at == name { "name".to_owned() } else { headers[at].to_owned() }).collect();
    if let Some(bad) = fields.iter().find(|f| f.is_empty() || f.contains(|c: char| !c.is_alphanumeric() && c != '_')) {
        return Err(format!("`{bad}` cannot name a field; use letters, digits and `_`"));
    }
    if let Some(twice) = fields.iter().enumerate().find(|(at, field)| fields[..*at].contains(field)) {
        return Err(format!("two columns are named `{}`", twice.1));
    }
    let mut rows = Vec::new();
    let mut names = std::collections::HashSet::new();
    for (number, row) in reader.records().enumerate() {
        let row = row.map_err(|_| format!("user {} has not as many fields as the header row", number + 1))?;
        if !names.insert(row[name].to_owned()) {
            return Err(format!("user {} has the name of a user before", number + 1));
        }
        rows.push(UserRow(order.iter().map(|&at| Secret::new(&row[at])).collect()));
    }
    if rows.is_empty() { Err("there are no users in it".to_owned()) } else { Ok((fields, rows)) }
}

impl Context<'_> {
    /// A user is in at most one session at a time.
    pub fn enough_users(&mut self, have: u32, need: u32, span: &Range<usize>, why: &str) {
        if have < need {
            let found = match &self.profile.file.users.csv {
                Some(path) => format!("`{}` has {have}", Path::new(&path.value).display()),
                None => format!("there are {have}"),
            };
            let help = "each user is in at most one session at a time: add users, or lower `workload.max_sessions` or \
                        the curve";
            self.error(span, format!("{need} users are needed, {why}, and {found}"), help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_comes_first_whatever_its_column() {
        let (fields, rows) = parse_rows("password,name,tier\npw1,anna,gold\npw2,ben,\n").unwrap();
        assert_eq!(fields, ["name", "password", "tier"]);
        assert_eq!(rows[0].0.iter().map(Secret::expose).collect::<Vec<_>>(), ["anna", "pw1", "gold"]);
        let (fields, _) = parse_rows("login,password\nanna,pw\n").unwrap();
        assert_eq!(fields, ["name", "password"]);
    }

    #[test]
    fn bad_files_are_refused_without_quoting_them() {
        for (text, message) in [
            ("name,password\n", "no users"),
            ("", "no users"),
            ("name,pass word\na,s3cret\n", "cannot name a field"),
            ("name,password\nanna,s3cret,x\n", "user 1 has not as many"),
            ("name,password\nanna,s3cret\nanna,s3cret\n", "user 2 has the name"),
            ("name,name\na,s3cret\n", "two columns"),
        ] {
            let error = parse_rows(text).unwrap_err();
            assert!(error.contains(message), "{text:?}: {error}");
            assert!(!error.contains("s3cret"));
        }
    }
}
