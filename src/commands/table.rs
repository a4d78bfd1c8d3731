//! Tables for people, out of the API's JSON.

use std::fmt;

use serde_json::Value;

/// Rows under a head, columns as wide as what is in them.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of the objects in a list; for each column its head and the member
    /// that it shows.
    pub(super) fn of(list: &Value, columns: &[(&str, &str)]) -> Self {
        let row = |one: &Value| columns.iter().map(|(_, member)| shown(&one[*member])).collect();
        let head = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
        let rows = list.as_array().into_iter().flatten().map(row);
        Self { rows: std::iter::once(head).chain(rows).collect() }
    }

    /// Names and values of an object's members, those of its members included.
    pub(super) fn of_members(object: &Value) -> Self {
        let mut rows = Vec::new();
        add_members("", object, &mut rows);
        Self { rows }
    }
}

fn add_members(prefix: &str, object: &Value, rows: &mut Vec<Vec<String>>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value {
            Value::Object(_) => add_members(&format!("{name}."), value, rows),
            _ => rows.push(vec![shown(&Value::from(name)), shown(value)]),
        }
    }
}

/// A value as people read it. What clients call themselves is foreign, so
/// nothing in it reaches the terminal as a command.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.iter().all(|one| one.is_string() || one.is_number()) => {
            all.iter().map(shown).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    let text: String = text.chars().map(|character| if character.is_control() { '?' } else { character }).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            let end = if index + 1 < self.rows.len() { "\n" } else { "" };
            write!(f, "{}{end}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let list = json!([{"id": "1", "on": true, "name": "a"}, {"id": "200", "on": false, "name": "b\u{1b}[2J"}]);
        let table = Table::of(&list, &[("ID", "id"), ("NAME", "name"), ("ON", "on"), ("GONE", "gone")]).to_string();
        assert_eq!(table, "ID   NAME   ON   GONE\n1    a      yes  -\n200  b?[2J  no   -");
    }

    #[test]
    fn members_of_members_have_both_names() {
        let object = json!({"id": 7, "desktop": {"pid": 12}, "list": ["a", "b"], "none": null});
        let lines: Vec<String> = Table::of_members(&object).to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines, ["desktop.pid  12", "id           7", "list         a,b", "none         -"]);
    }
}
