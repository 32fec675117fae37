//! An API of Kubernetes that holds its objects in memory, for the real `kubectl` to speak to. Its controllers take one step
//! with every question that is asked, so nothing waits for a clock.

mod controllers;
mod discovery;
mod objects;
mod requests;

use std::fs;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::server::program;
use crate::bench::Bench;
use objects::{Key, Objects};
use requests::{Answer, Request};

/// Everything that the cluster has.
#[derive(Default)]
pub(super) struct World {
    objects: Objects,
    /// Volumes that nobody has claimed yet.
    volumes: usize,
    /// The pods of StatefulSets in the order in which they became ready.
    ready: Vec<String>,
    asked: usize,
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

/// Gone with the test's process.
pub(crate) struct Cluster {
    shared: Arc<Shared>,
    /// For `KUBECONFIG`; its context is `west`.
    pub(crate) config: PathBuf,
}

impl Cluster {
    /// `None` where there is no `kubectl`.
    pub(crate) fn start(bench: &Bench) -> Option<Cluster> {
        program("kubernetes-client", &["/usr/bin/kubectl", "/usr/local/bin/kubectl"])?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = bench.path("kubeconfig");
        let server = format!("http://{}", listener.local_addr().unwrap());
        let written = json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "west", "cluster": {"server": server}}],
            "users": [{"name": "baton", "user": {}}],
            "contexts": [{"name": "west", "context": {"cluster": "west", "user": "baton"}}],
        });
        fs::write(&config, written.to_string()).unwrap();
        let shared = Arc::new(Shared::default());
        let cluster = Cluster { shared: Arc::clone(&shared), config };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // Whoever asked may have gone.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Some(cluster)
    }

    /// Something that is there already, set up by somebody else.
    pub(crate) fn add(&self, resource: &str, object: Value) {
        let key = Key::new(resource, "default", object["metadata"]["name"].as_str().unwrap());
        self.shared.change(|world| world.objects.apply(&key, &object, "somebody")).unwrap();
    }

    /// As it is now; `null` where there is none.
    pub(crate) fn get(&self, resource: &str, name: &str) -> Value {
        let world = self.shared.world.lock().unwrap();
        world.objects.get(&Key::new(resource, "default", name)).cloned().unwrap_or_default()
    }

    /// So many volumes more are there to be claimed.
    pub(crate) fn add_volumes(&self, count: usize) {
        self.shared.change(|world| world.volumes += count);
    }

    /// The pods of StatefulSets in the order in which they became ready.
    pub(crate) fn ready(&self) -> Vec<String> {
        self.shared.world.lock().unwrap().ready.clone()
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.shared.world.lock().unwrap().asked
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world.lock().unwrap());
        self.changed.notify_all();
        changed
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let request = Request::read(&mut reader)?;
        let mut stream = reader.into_inner();
        let answer = self.change(|world| {
            world.asked += 1;
            let answer = requests::answer(&request, world);
            world.step();
            answer
        });
        match answer {
            Answer::Whole { code, body } => {
                let is_openapi = request.path.starts_with("/openapi");
                let kind = if is_openapi { "application/octet-stream" } else { "application/json" };
                let head = format!("HTTP/1.1 {code} -\r\nContent-Type: {kind}\r\nConnection: close\r\n");
                write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
                stream.write_all(&body)
            }
            Answer::Watch(key) => {
                write!(
                    stream,
                    "HTTP/1.1 200 -\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                )?;
                self.tell_changes(&mut stream, &key)
            }
        }
    }

    /// An object after every change, until nobody listens any more.
    fn tell_changes(&self, stream: &mut TcpStream, key: &Key) -> io::Result<()> {
        let mut told = Value::Null;
        loop {
            let now = {
                let mut world = self.world.lock().unwrap();
                loop {
                    world.step();
                    let now = world.objects.get(key).cloned().unwrap_or_default();
                    if now != told {
                        break now;
                    }
                    world = self.changed.wait(world).unwrap();
                }
            };
            writeln!(stream, "{}", json!({"type": "MODIFIED", "object": now}))?;
            told = now;
        }
    }
}
