janji_fuzz(schema DEPS janji_schema)
