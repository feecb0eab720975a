/// The tag with which the owner of a resource lets it be changed. Its value lists actions.
pub(super) const TAG: &str = "rushhour:allow";

/// Whether a resource with these tags may be changed by an action.
///
/// # Errors
/// Says what is missing.
pub(super) fn permitted(action: &str, resource: &str, tags: &[(String, String)]) -> Result<(), String> {
    let value = tags.iter().find(|(key, _)| key == TAG).map(|(_, value)| value.as_str());
    let listed = |value: &str| value.split(|c: char| c.is_whitespace() || c == ',').any(|allowed| allowed == action);
    match value {
        Some(value) if listed(value) => Ok(()),
        Some(value) => Err(format!("the tag `{TAG}` of {resource} is `{value}`; add `{action}` to it")),
        None => Err(format!("{resource} has no tag `{TAG}`; its owner allows this by the value `{action}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_tag_names_is_permitted() {
        let tags =
            |key: &str, value: &str| vec![("Name".to_owned(), "web".to_owned()), (key.to_owned(), value.to_owned())];
        for (tags, permits) in [
            (tags(TAG, "scale-out"), true),
            (tags(TAG, "kill-instance scale-out"), true),
            (tags(TAG, "kill-instance, scale-out"), true),
            (tags(TAG, "scale-out-and-more"), false),
            (tags(TAG, "scale-in"), false),
            (tags(TAG, ""), false),
            (tags(TAG, "*"), false),
            (tags("rushhour", "scale-out"), false),
            (Vec::new(), false),
        ] {
            assert_eq!(permitted("scale-out", "the Auto Scaling group `web`", &tags).is_ok(), permits, "{tags:?}");
        }
    }
}
