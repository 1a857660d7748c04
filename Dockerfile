# One image for all parts of Berth; docker-compose.yml says which part a container runs.
FROM debian:trixie-slim

# Any Node from 20 on runs the set-up, which brings the pinned one; npm stays, for it fills the runtime store.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates nodejs npm \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/berth
COPY . .
# The stack image is left to the agent, which keeps it in the cache volume: building one mounts things.
RUN node scripts/setup.mjs image && rm -rf /var/lib/apt/lists/*

# `node` and the programs of dependencies are the pinned ones, as under `npm run`.
ENV PATH=/opt/berth/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
VOLUME ["/var/lib/berth", "/var/cache/berth"]
