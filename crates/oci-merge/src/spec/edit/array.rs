//! A list in a table, longer by some strings, in the style that it is written in.

use toml_edit::{Array, Decor, InlineTable, Item, TableLike, Value};

/// Adds strings to the list under a key, which is made if it is not there. `None` if there is something else.
pub(super) fn add(table: &mut Item, key: &str, words: &[&str]) -> Option<()> {
    let is_inline = table.is_inline_table();
    let table = table.as_table_like_mut()?;
    if let Some(item) = table.get_mut(key) {
        let array = item.as_array_mut()?;
        words.iter().for_each(|word| push(array, Value::from(*word)));
        return Some(());
    }
    let suffix = if is_inline { None } else { suffix(table, key) };
    let end = table.iter().last().map(|(key, _)| key.to_owned());
    let end = end.filter(|_| is_inline).and_then(|key| table.get_mut(&key)?.as_value_mut().map(take_suffix));
    let mut value = Value::Array(words.iter().copied().collect());
    if let Some(end) = end {
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(end);
    }
    table.insert(key, Item::Value(value));
    if let (Some(suffix), Some(mut key)) = (suffix, table.key_mut(key)) {
        key.leaf_decor_mut().set_suffix(suffix);
    }
    Some(())
}

/// Adds a value behind the others: on a line of its own if they are.
pub(super) fn push(array: &mut Array, mut value: Value) {
    let has_comma = array.trailing_comma();
    let prefix = |value: &Value| text(value.decor().prefix());
    let own_lines = array.iter().last().map(prefix).filter(|prefix| prefix.contains('\n'));
    let Some(own_line) = own_lines else {
        let end = array.iter_mut().last().map(take_suffix);
        let lead = if array.is_empty() { "" } else { " " };
        *value.decor_mut() = Decor::new(lead, end.unwrap_or_default());
        array.push_formatted(value);
        return;
    };
    // What stands behind the last value, a comment maybe, stays on its line.
    let behind = if has_comma {
        array.trailing().as_str().unwrap_or_default().to_owned()
    } else {
        array.iter_mut().last().map(take_suffix).unwrap_or_default()
    };
    let (comments, close) = behind.rsplit_once('\n').unwrap_or((&behind, ""));
    let indent = own_line.rsplit('\n').next().unwrap_or_default();
    *value.decor_mut() = Decor::new(format!("{comments}\n{indent}"), "");
    let close = if behind.contains('\n') { format!("\n{close}") } else { String::new() };
    array.push_formatted(value);
    match has_comma {
        true => array.set_trailing(close),
        false => {
            if let Some(last) = array.iter_mut().last() {
                last.decor_mut().set_suffix(close);
            }
        }
    }
    array.set_trailing_comma(has_comma);
}

/// A table that is written in one line.
pub(super) fn inline(members: &[(&str, Value)]) -> Value {
    Value::InlineTable(members.iter().map(|(key, value)| (*key, value.clone())).collect::<InlineTable>())
}

/// What stands behind a value on its line, which then stands there no more.
fn take_suffix(value: &mut Value) -> String {
    let suffix = text(value.decor().suffix());
    value.decor_mut().set_suffix("");
    suffix
}

fn text(raw: Option<&toml_edit::RawString>) -> String {
    raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned()
}

/// The blanks behind a new key, if the signs of all others stand in one column.
fn suffix(table: &mut dyn TableLike, key: &str) -> Option<String> {
    let names: Vec<String> =
        table.iter().filter(|(_, item)| item.is_value()).map(|(name, _)| name.to_owned()).collect();
    let width = |name: &String| {
        let key = table.key(name)?;
        Some(key.display_repr().chars().count() + key.leaf_decor().suffix()?.as_str()?.chars().count())
    };
    let widths: Vec<usize> = names.iter().map(width).collect::<Option<_>>()?;
    let (first, rest) = widths.split_first()?;
    let is_column = !rest.is_empty() && rest.iter().all(|width| width == first);
    (is_column && *first > key.len()).then(|| " ".repeat(first - key.len()))
}
