janji_fuzz(page_form DEPS janji_web)
