//! What is searched for on a full desk.

use super::{
    ask::Question,
    town::{self, Dice},
};

fn search(name: &'static str, query: impl Fn(u64) -> String + 'static) -> Question {
    Question::new(name, move |n| format!("/api/v1/search?{}", query(n)))
}

fn same(name: &'static str, query: &'static str) -> Question {
    search(name, move |_| query.into())
}

/// What `who` searches for.
pub(super) fn questions(who: &str) -> Vec<Question> {
    let mut all = vec![
        same("search frequent word", "q=printer"),
        same("search frequent word in tickets", "q=printer&in=tickets"),
        same("search frequent word in comments", "q=password&in=comments"),
        search("search any word", |n| format!("q={}", town::word(20 + 37 * n))).or_nothing(),
        Question::vain("search one letter", |n| format!("/api/v1/search?q={}", letters(n, 1))),
        search("search prefix of two", |n| format!("q={}", letters(n, 2))),
        search("search prefix of three", |n| format!("q={}", letters(n, 3))),
        search("search prefix of four", |n| format!("q={}", letters(n, 4))),
        search("search prefix of five", |n| format!("q={}", letters(n, 5))),
        search("search prefix of six", |n| format!("q={}", letters(n, 6))),
        same("search accent", "q=cafe"),
        same("search accent typed", "q=stra%C3%9Fe"),
        same("search two words", "q=printer+invoice"),
        same("search two words, unfinished", "q=printer+inv"),
        search("search frequent and any word", |n| {
            format!("q=printer+{}", town::word(20 + 37 * n))
        })
        .or_nothing(),
        search("search two rare words", |n| {
            let mut dice = Dice::of(n);
            format!("q={}+{}", town::word(5_000 + dice.below(99)), town::word(6_000 + n))
        })
        .or_nothing(),
        same("search many words", "q=printer+the+password+invoice+account+order+email+pri"),
        Question::vain("search nothing", |_| "/api/v1/search?q=xylophone".into()),
        search("search number", |n| format!("q=%23{}", 1 + n)).or_nothing(),
    ];
    if who == "staff" {
        all.push(search("search e-mail", |n| format!("q={}", town::customer(n))));
        all.push(same("search e-mail of a firm", "q=customer0000%40bench.example"));
    }
    all
}

/// The first letters of a frequent word.
fn letters(n: u64, count: usize) -> String {
    let plain = [0, 2, 3, 5, 7, 8, 9, 11, 12, 13, 14, 15];
    let at = usize::try_from(n).unwrap_or(0) % plain.len();
    town::word(plain.get(at).copied().unwrap_or(0)).chars().take(count).collect()
}
