use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{mpsc, Arc, Mutex};
use std::{fs, thread, time::Duration};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let total = Arc::new(Mutex::new(0u64));
    let (send, receive) = mpsc::channel();
    for n in 0..16u64 {
        let (total, send) = (Arc::clone(&total), send.clone());
        thread::spawn(move || { *total.lock().unwrap() += n; send.send(n).unwrap(); });
    }
    drop(send);
    assert_eq!(receive.iter().count(), 16);
    assert_eq!(*total.lock().unwrap(), 120);
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    cat.stdin.take().unwrap().write_all(b"through")?;
    assert_eq!(cat.wait_with_output()?.stdout, b"through");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || listener.accept().unwrap().0.write_all(b"served").unwrap());
    let mut text = String::new();
    TcpStream::connect(address)?.read_to_string(&mut text)?;
    server.join().unwrap();
    fs::create_dir_all("a/b")?;
    fs::write("a/b/c", &text)?;
    assert_eq!(fs::read_dir("a/b")?.count(), 1);
    assert!(std::panic::catch_unwind(|| { let v: Vec<i32> = vec![]; v[0] }).is_err());
    let map: HashMap<_, _> = [("a", 1)].into_iter().collect();
    thread::sleep(Duration::from_millis(map["a"]));
    println!("ok");
    Ok(())
}
