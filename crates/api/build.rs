//! Compiles `proto/` without a system protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = "../../proto";
    let files = ["operator.proto", "agent.proto", "peer.proto"];
    println!("cargo:rerun-if-changed={proto}");
    let descriptors = protox::compile(files, [proto])?;
    tonic_prost_build::configure().btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
