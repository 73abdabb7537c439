janji_fuzz(texts DEPS janji_booking)
