/// Pieces of what machines really say to each other, for seeds.
enum Samples {
  static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINT8ti2fFUGqHhdlSuqiXCL4irffAsJevAbszK+1WVLt"
  static let otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
  static let rsaKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7"
  static let host = """
    {"account":"fleet","endpoints":[{"address":"hosta.example","port":2222},{"address":"2001:db8::1","port":22}],\
    "host_keys":["\(key)"]}
    """
  static let device = """
    {"name":"kitchen-pi","id":"0f3a5c7e9b1d2f40","port":20007,"state":"online","note":"ssh down on the device",\
    "last_seen":"2026-01-02T03:04:05Z","rtt_ms":23.4,"user":"pi","tags":{"site":"berlin","old":""},\
    "agent_version":"0.1.0","remote_address":"203.0.113.9","bytes_received":1200,"bytes_sent":900,\
    "facts":{"os":"Debian GNU/Linux 12 (bookworm)","hostname":"kitchen-pi"},"enrolled":true,\
    "provisioned":"2026-01-01T00:00:00Z","expires":null}
    """
  static let identity = #"{"pid":4711,"start_time":123456,"boot_id":"6f1c2d3e-0000-4000-8000-000000000001"}"#
  static let claim = """
    {"v":1,"agent_version":"0.1.0","boot_id":"6f1c","keepalive_s":10,"profile":"metered",\
    "facts":{"hostname":"kitchen-pi","os":"Debian\\u001b[2J","arch":"aarch64"},"host_keys":["\(key)"]}
    """
  static let fingerprint = "SHA256:uQhyPb4lPtQKLqGEnRWCvdMCzGTyjX4WEzKqVnIqJ3Y"
}
