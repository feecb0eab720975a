/// Whether a field of this name holds a secret: a header field, or one of a form or a document, in whatever spelling.
pub fn names_a_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let ends = ["password", "passwd", "passphrase", "secret", "token", "authorization", "apikey"];
    matches!(name.as_str(), "cookie" | "pwd") || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_the_end_of_the_name() {
        for name in ["password", "Proxy-Authorization", "x-api-key", "apiKey", "client_secret", "accessToken", "cookie"]
        {
            assert!(names_a_secret(name), "{name}");
        }
        for name in ["token_type", "grant_type", "username", "cookie_consent", "password_hint", "item", "accept"] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
