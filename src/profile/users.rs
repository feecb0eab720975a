use super::At;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor, value::MapAccessDeserializer};
use std::fmt;
use std::path::PathBuf;

/// Who logs in: generated users, or the rows of a CSV file. On the lab both may be left out: as many users as sessions
/// are made, with a password that lives as long as the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersFile {
    /// Number of users to generate. Default on the lab: as many as `workload.max_sessions`.
    pub generate: Option<At<u32>>,
    /// Name of a generated user; `{n}` is the user's number, counted from 1. Default: `shopper{n}`.
    pub name: Option<At<String>>,
    /// Password of all generated users: from the environment or a file, never written here. Left out on the lab.
    pub password: Option<At<SecretFile>>,
    /// A CSV file with a header row that names the fields (`{{user.FIELD}}`), a user a row; relative to the profile.
    /// The column `name` names the user, or the first one where there is no `name`.
    pub csv: Option<At<PathBuf>>,
}

/// Where a secret is: in an environment variable or in a file.
#[derive(Clone, Debug, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretFile {
    /// Name of an environment variable.
    Env(String),
    /// A file whose content, without the last line break, is the secret; relative to the profile.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SecretFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretFile, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ env = \"NAME\" }` or `{ file = \"path\" }`")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretFile, E> {
        Err(E::custom(
            "a secret is never written in a profile, which is committed and recorded; \
             write `{ env = \"NAME\" }` or `{ file = \"path\" }`",
        ))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SecretFile, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Table {
            Env(String),
            File(PathBuf),
        }
        Ok(match Table::deserialize(MapAccessDeserializer::new(map))? {
            Table::Env(name) => SecretFile::Env(name),
            Table::File(path) => SecretFile::File(path),
        })
    }
}
