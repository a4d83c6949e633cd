//! Data sets of one's own, written as others write them.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::Path;

use nl_random::Streams;
use rand::RngExt;

/// A table of houses: a name, three numbers, and a price that follows from them but for some noise.
pub(crate) fn houses(rows: u64, seed: u64) -> String {
    let mut text = "name,area,rooms,age,price\n".to_owned();
    for i in 0..rows {
        let mut rng = Streams::new(seed).rng("houses", 0, i);
        let (area, rooms, age) = (rng.random_range(30.0..200.0_f64), rng.random_range(1..8), rng.random_range(0..120));
        let noise: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let price = 2_000.0 * area + 10_000.0 * f64::from(rooms) - 500.0 * f64::from(age) + 10_000.0 * noise;
        text += &format!("house {i},{area:.1},{rooms},{age},{price:.0}\n");
    }
    text
}

/// Small coloured pictures in two classes that differ in colour, in `dir/CLASS/i.png`.
pub(crate) fn pets(dir: &Path, each: u8) {
    for (class, name) in ["cat", "dog"].into_iter().enumerate() {
        fs::create_dir_all(dir.join(name)).unwrap();
        for i in 0..each {
            let mut rng = Streams::new(7).rng("pets", class as u64, i.into());
            let pixel = |at: usize| {
                let bright = rng_byte(at, i);
                if class == 0 { [bright, 20, 40] } else { [40, 20, bright] }
            };
            let pixels: Vec<u8> = (0..36).flat_map(pixel).map(|x| x.saturating_add(rng.random_range(0..30))).collect();
            png(&dir.join(name).join(format!("{i}.png")), png::ColorType::Rgb, (6, 6), &pixels);
        }
    }
}

fn rng_byte(at: usize, i: u8) -> u8 {
    120 + ((at * 7 + usize::from(i) * 13) % 60) as u8
}

/// A picture.
pub(crate) fn png(path: &Path, colour: png::ColorType, (width, height): (u32, u32), pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(colour);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

/// An array of bytes or floats, as numpy.save writes it.
pub(crate) fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), bytes].concat()
}

/// An archive of arrays, as numpy.savez writes it: stored, not packed.
pub(crate) fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let name = format!("{name}.npy");
        let mut common: Vec<u8> = [20_u16, 0, 0, 0, 33].iter().flat_map(|half| half.to_le_bytes()).collect();
        for word in [crc32fast::hash(bytes), bytes.len() as u32, bytes.len() as u32] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let at = file.len() as u32;
        file.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), bytes].concat());
        directory.extend([&b"PK\x01\x02"[..], &20_u16.to_le_bytes(), &common, &[0; 10], &at.to_le_bytes()].concat());
        directory.extend(name.as_bytes());
    }
    let (at, size, n) = (file.len() as u32, directory.len() as u32, members.len() as u16);
    file.extend(&directory);
    file.extend([&b"PK\x05\x06"[..], &[0; 4], &n.to_le_bytes(), &n.to_le_bytes()].concat());
    file.extend([&size.to_le_bytes()[..], &at.to_le_bytes(), &[0, 0]].concat());
    file
}
