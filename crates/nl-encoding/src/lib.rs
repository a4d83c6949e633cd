#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod front_end;

pub mod encode;

pub mod decode;
