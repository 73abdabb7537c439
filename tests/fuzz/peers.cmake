janji_fuzz(peers DEPS janji_cluster janji_schema)
