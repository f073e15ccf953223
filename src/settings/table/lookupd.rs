//! `[LookupD]`: where rules look up who is in which group.

use std::path::PathBuf;

use crate::settings::row::{path, section};

section! {
    "LookupD", "Data sources for rules.";

    GROUPS: Option<PathBuf> = path("Groups", ""), Reload,
        "A file with groups of users, one a line: \"staff: anna, bert@example.com\". Rules name a group as \
         \"FILE@staff\", as in user in \"FILE@staff\", or ask for it as user_group. A user without a domain \
         is meant in every domain.";
}
