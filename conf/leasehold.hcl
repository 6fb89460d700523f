# SPDX-License-Identifier: Apache-2.0
# leasehold's configuration: every key, with its default. Only the master key has none.
# `leasehold check -config FILE` tells whether a file is sound; SIGHUP makes a server read it again.
# Durations are "90s", "1h30m", "30d"; sizes "512MiB", "64GiB", "1TiB".

# The sockets on which the web server reaches leasehold. A file that names any names all of them;
# one of pool "work" must be among them. There may be 8, with 256 workers together.
listener "fastcgi" "read" {
  # The path of a socket, or "127.0.0.1:9000" or "[::1]:9000". Other addresses are refused: FastCGI
  # knows no passwords. A socket that systemd hands over under this listener's name wins.
  address = "/run/leasehold/read.sock"

  # "read": requests that only read the store. "work": requests that write or call a cloud. Left out,
  # it is the listener's name.
  pool = "read"

  # Processes, 1 to 256; the default is 4 in pool "read" and 32 in pool "work".
  workers = 4

  # Connections that wait for a worker, 1 to 4096. Short, so that no one works for a client that has
  # given up.
  backlog = 64

  # Whether the web server's connections are kept, in pool "read" only.
  keepalive = true

  # Who may connect to a socket with a path: its mode, its group (left out: leasehold's own) and, by
  # the user of the process at the other end, peer_users (left out: whoever the mode lets in). On
  # Debian nginx is user and group www-data.
  socket_mode = "0660"
  # socket_group = "www-data"
  # peer_users = ["www-data"]

  # Whether nginx may say who somebody is, so that they need no token (auth/proxy/identity/ says what
  # they may do). Needs peer_users, and in nginx the line that `leasehold nginx-secret` prints. Set
  # it in the listener "work" too.
  # trust_identity = true

  # What nginx takes off the path before it passes it on, where the site has leasehold in a folder.
  # identity_prefix = "/vault"
}

listener "fastcgi" "work" {
  address = "/run/leasehold/work.sock"
  workers = 32
  backlog = 64
}

# Leases, tokens and configuration, sealed. map_size is the most that the store can grow to (16MiB to
# 16TiB); it takes address space, not disk, until it is used. A change of either needs a restart.
storage "lmdb" {
  path     = "/var/lib/leasehold"
  map_size = "64GiB"
}

# The master key that seals the store. `leasehold init` makes it if it is absent. Keep a copy of it
# apart from the copies of the store. A change needs a restart.
seal "file" {
  key_file = "/etc/leasehold/master.key"
}

# Whom the server becomes when root starts it. "" stays root, or in the user's own group.
# A change needs a restart.
user  = "leasehold"
group = "leasehold"

# How long leases last when nobody says so, and at most, however often they are renewed.
default_lease_ttl = "768h"
max_lease_ttl     = "768h"

# What all cloud calls of one request may take together (1s to 10m). Keep it below the web server's
# own timeout.
issue_timeout = "45s"

# How long a stopping server waits for the requests in hand (1s to 1h).
drain_timeout = "60s"

log_level  = "info" # debug, info, warn, error
log_format = "text" # or "json"

# Alibaba Cloud. Endpoints are URLs without a path; http is for this machine and for the metadata
# address.
engine "alicloud" {
  # Users, keys and policies; then roles and the account's name.
  ram_endpoint = "https://ram.aliyuncs.com"
  sts_endpoint = "https://sts.aliyuncs.com"

  # Where an ECS instance learns the credentials of its RAM role. "" never asks.
  metadata_endpoint = "http://100.100.100.200"

  # Certificates of authorities, PEM. "" is the system's; a file with the few roots that the cloud
  # uses saves 23 ms and 3.8 MB per connection.
  ca_file = ""

  # What one call may take (1s to 60s).
  request_timeout = "10s"

  # When to look again for what an unanswered call may have made late, counted from the revocation.
  # Up to 8, ascending, the last later than 15m: a signature is valid for that long.
  sweep_after = ["30s", "5m", "20m"]

  # Calls a second that the cloud takes from one account, by action. leasehold never sends more, and
  # of a fifth of each only what takes credentials back. Left out, it is the cloud's usual quotas:
  # those below. "*" stands for all actions that are not named. If yours were raised, or other
  # programs use the same account, write what leasehold may use (1 to 10000).
  # quotas = {
  #   AttachPolicyToUser = 10, DetachPolicyFromUser = 10, CreateUser = 20, DeleteUser = 20,
  #   CreateAccessKey = 20, DeleteAccessKey = 20, CreatePolicy = 20, DeletePolicy = 20,
  #   "*" = 100
  # }
}

# Tencent Cloud. The keys that are not explained here are as above.
engine "tencentcloud" {
  # Users, keys and policies; then roles and the account's name. Accounts of the international site
  # are served at https://cam.intl.tencentcloudapi.com and https://sts.intl.tencentcloudapi.com.
  cam_endpoint = "https://cam.tencentcloudapi.com"
  sts_endpoint = "https://sts.tencentcloudapi.com"

  # Where a CVM instance learns the credentials of its CAM role. "" never asks.
  metadata_endpoint = "http://metadata.tencentyun.com"

  # The region that calls are addressed to. STS wants one, whichever it is.
  region = "ap-guangzhou"

  ca_file         = ""
  request_timeout = "10s"

  # The last later than 10m: a signature is valid for 5 minutes before and after its time.
  sweep_after = ["30s", "5m", "20m"]

  # quotas = {
  #   DeleteAccessKey = 5, UpdateAccessKey = 5, CreatePolicy = 10, DeletePolicy = 10,
  #   AttachUserPolicy = 10, DetachUserPolicy = 10, AssumeRole = 600,
  #   "*" = 20
  # }
}
