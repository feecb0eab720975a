//! `--set key=value`: changes to a profile's text before it is read.

use super::ProfileError;
use super::error::suggestion;
use super::keys::{Place, Step, in_section};
use toml_edit::{DocumentMut, Item, Value};

/// Sets one key. The key is a dotted path in which a number is an index (`objectives.1.at_most`); the value is TOML, or
/// a string where it is not.
pub fn apply(document: &mut DocumentMut, assignment: &str) -> Result<(), ProfileError> {
    let Some((key, value)) = assignment.split_once('=') else {
        return Err(ProfileError::whole("`--set` without a `=`")
            .help("write `--set key=value`, such as `--set workload.compress=5`"));
    };
    let path: Vec<&str> = key.trim().split('.').map(str::trim).collect();
    let value = value.trim();
    let value = value.parse::<Value>().unwrap_or_else(|_| Value::from(value));
    let mut slot = document.as_item_mut();
    let mut place = Place::root();
    let mut section = String::new();
    for part in path {
        (slot, place) = descend(slot, &place, part, &section)
            .map_err(|e| ProfileError { message: format!("`--set {}`: {}", key.trim(), e.message), ..e })?;
        section = if section.is_empty() { part.to_owned() } else { format!("{section}.{part}") };
    }
    put(slot, value);
    Ok(())
}

fn descend<'a>(
    slot: &'a mut Item,
    place: &Place,
    part: &str,
    section: &str,
) -> Result<(&'a mut Item, Place), ProfileError> {
    if let Some(inner) = place.item() {
        let length = match &*slot {
            Item::ArrayOfTables(tables) => tables.len(),
            Item::Value(Value::Array(items)) => items.len(),
            _ => 0,
        };
        let index = part.parse::<usize>().ok().filter(|index| *index < length);
        return match index.and_then(|index| slot.get_mut(index)) {
            Some(found) => Ok((found, inner)),
            None => Err(ProfileError::whole(format!("`{part}` is no index {}", in_section(section)))
                .help(format!("there are {length}, counted from 0"))),
        };
    }
    match place.key(part) {
        Step::To(inner) if slot.is_none() || slot.is_table_like() => Ok((&mut slot[part], inner)),
        Step::Unknown(known) => Err(ProfileError::whole(format!("unknown key `{part}` {}", in_section(section)))
            .help(suggestion(part, known.iter().copied()))),
        Step::To(_) | Step::NoTable => {
            Err(ProfileError::whole(format!("`{section}` has no keys"))
                .help(format!("set it whole: `--set {section}=…`")))
        }
    }
}

/// Replaces a value and keeps the white space and comments around it.
fn put(slot: &mut Item, mut value: Value) {
    if let Item::Value(old) = slot {
        *value.decor_mut() = old.decor().clone();
    }
    *slot = Item::Value(value);
}
