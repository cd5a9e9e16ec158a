//! What joined layers are called.

use std::collections::HashSet;
use std::iter;

/// What the groups of layers with these names are called, those of one layer like it: two by their names, more by the
/// lowest one's and how many others there are. An image may bring several layers under one name, and a program may
/// call a layer anything, so that this may be somebody's name already: then with a number.
pub(super) fn of(groups: &[&[&str]]) -> Vec<String> {
    let mut taken: HashSet<String> = groups.iter().copied().flatten().map(|name| (*name).to_owned()).collect();
    let mut free = |name: String| {
        let numbered = (2..).map(|number| format!("{name}#{number}"));
        let free = iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    let name = |members: &&[&str]| match **members {
        [] => String::new(),
        [only] => only.to_owned(),
        [one, other] if one != other => free(format!("{one}+{other}")),
        [lowest, ref others @ ..] => free(format!("{lowest}+{}", others.len())),
    };
    groups.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_groups_have_one_name_and_none_has_that_of_a_layer() {
        let named = |groups: &str| {
            let groups: Vec<Vec<&str>> = groups.split(' ').map(|group| group.split(',').collect()).collect();
            of(&groups.iter().map(Vec::as_slice).collect::<Vec<_>>()).join(" ")
        };
        assert_eq!(named("a b,c d,e,f g"), "a b+c d+2 g");
        // Layers of one image have one name.
        assert_eq!(named("a a,a b"), "a a+1 b");
        assert_eq!(named("a,a a,a,a a,b,c a,d,e a,f"), "a+1 a+2 a+2#2 a+2#3 a+f");
        assert_eq!(named("a,a,a a,2"), "a+2 a+2#2");
        assert_eq!(named("a,b a+b a+b#2 c+2 c,d,e"), "a+b#3 a+b a+b#2 c+2 c+2#2");
    }
}
