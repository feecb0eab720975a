use std::fmt;
use std::sync::Arc;

/// A value that must not reach disk, logs or reports. It can only be looked at on purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(value: impl Into<Arc<str>>) -> Secret {
        Secret(value.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The users of a run. Kept apart from the plan, because the plan is written to disk.
#[derive(Clone, Debug)]
pub enum Feeder {
    /// `name` is a pattern in which `{n}` stands for the user's number, counted from 1. Fields are `name`, `password`.
    Generated { name: String, password: Secret, count: u32 },
    /// Rows of a CSV file, in the order of [`super::Plan::user_fields`].
    Rows(Arc<Vec<UserRow>>),
}

/// One user's fields.
#[derive(Clone, Debug)]
pub struct UserRow(pub Vec<Secret>);

impl Feeder {
    pub fn len(&self) -> u32 {
        match self {
            Feeder::Generated { count, .. } => *count,
            Feeder::Rows(rows) => rows.len() as u32,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fields of user `index`, counted from 0; `index` is below [`Feeder::len`].
    pub fn row(&self, index: u32) -> UserRow {
        match self {
            Feeder::Generated { name, password, .. } => {
                let name = name.replace("{n}", &(index + 1).to_string());
                UserRow(vec![Secret::new(name), password.clone()])
            }
            Feeder::Rows(rows) => rows[index as usize].clone(),
        }
    }
}
