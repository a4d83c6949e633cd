//! Every built-in rule obeys the laws, or says why not.

mod pair;
