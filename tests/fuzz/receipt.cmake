janji_fuzz(receipt DEPS janji_booking)
