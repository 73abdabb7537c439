janji_fuzz(round_import DEPS janji_booking)
