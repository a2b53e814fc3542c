# What surrounds the Worker: a socket, its variables, and the way to this machine. `cf` comes in a header.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "loopback",
      bindings = [
        (name = "DRAGOMAN_URL", text = "{{dragoman}}"),
        (name = "SERVICE_URL", text = "{{service}}"),
        (name = "DRAGOMAN_GATEWAY_SECRET", text = "{{secret}}"),
      ],
    )),
    (name = "loopback", network = (allow = ["private"])),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:{{port}}", http = (cfBlobHeader = "x-test-cf"), service = "main"),
  ],
);
