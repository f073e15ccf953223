//! What is printed of an answer that has no text of its own.

use serde_json::json;

use super::lines;

#[test]
fn every_value_is_a_line_with_the_way_to_it() {
    let answer = json!({ "shards": 2, "database": { "version": "x", "created": 5 } });
    assert_eq!(lines(&answer), "database.created: 5\ndatabase.version: x\nshards: 2\n");
}
