use std::fmt::Write;

/// A whole page.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// Text as it may stand in an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The login form.
pub fn login_form(csrf: &str, next: Option<&str>, complaint: Option<&str>) -> String {
    let mut body = String::from("<h1>Log in</h1>\n");
    // Writing to a string cannot fail.
    if let Some(complaint) = complaint {
        let _ = writeln!(body, "<p role=\"alert\">{}</p>", escape(complaint));
    }
    body.push_str("<form method=\"post\" action=\"/login\">\n");
    let _ = writeln!(body, "<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(csrf));
    if let Some(next) = next {
        let _ = writeln!(body, "<input type=\"hidden\" name=\"next\" value=\"{}\">", escape(next));
    }
    body.push_str(
        "<label>User <input name=\"username\" autocomplete=\"username\"></label>\n\
         <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label>\n\
         <button>Log in</button>\n</form>\n",
    );
    page("Log in", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_send_cannot_become_markup() {
        let form = login_form("t", Some("/x\"><script>"), None);
        assert!(form.contains("/x&quot;&gt;&lt;script&gt;"), "{form}");
    }
}
