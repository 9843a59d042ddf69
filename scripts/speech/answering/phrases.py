# SPDX-License-Identifier: Apache-2.0
"""What people and machines say when a call of ours is answered. Two halves: "dev" is what thresholds were tuned on, "test" is what
docs/who-is-there.md is measured on. No voice and no sentence is in both."""

VOICES = {
    "dev": ["espeak:en-us", "espeak:en-gb-x-rp+f2", "flite:awb", "flite:kal16", "festival:ked_diphone"],
    "test": ["espeak:en-gb+f3", "espeak:en-us+m7", "espeak:en-gb-scotland+m3", "flite:slt", "flite:rms", "festival:cmu_us_slt_arctic_hts",
             "festival:kal_diphone"],
}

HUMAN = {
    "dev": ["Hello?", "Hi.", "Hello, this is Peter.", "Yes?", "Good afternoon, Baker and Company.", "Yeah, hello?", "Who is it?",
            "Johnson residence.", "Doctor Smith's office, how can I help you?", "Hi, Anna here."],
    "test": ["Hello?", "Yes, speaking.", "Good morning, Miller and Sons.", "Hello, who's calling?", "Yes, hello?", "Mary Jones.",
             "Hi, this is Tom.", "Good morning, Riverside Dental, this is Kate, how may I help you?", "Yeah?", "Sales department, Frank speaking.",
             "Hello, hello?", "What is it?"],
}

VOICEMAIL = {
    "dev": ["Hi, you've reached Peter Baker. I can't come to the phone right now. Please leave a message after the beep.",
            "The person you are trying to reach is not available. At the tone, please record your message.",
            "Hello, you have reached the voice mailbox of five five five, one two three four. Please leave your name and number, and we will "
            "call you back as soon as possible.",
            "We are not at home right now. Leave a message."],
    "test": ["Hi, this is Susan. Sorry I missed your call. Leave your name and number after the tone, and I'll get back to you.",
             "Your call has been forwarded to an automatic voice message system. Seven one eight, five five five, two one oh nine is not "
             "available. At the tone, please record your message. When you have finished recording, you may hang up.",
             "Hey, it's Mike. You know what to do.",
             "Thank you for calling Green Gardens. Our office is closed at the moment. Our hours are nine to five, Monday to Friday. If you "
             "leave a message, we will return your call on the next business day.",
             "Hello. You have reached the Taylor family. We can't take your call just now, so please leave a message after the beep. Bye.",
             "The wireless customer you have called is not available at this time. Please leave your message after the tone."],
}

SCREENING = {
    "dev": ["Hi, the person you are calling is using a call screening service. Please say your name and why you are calling.",
            "Before I connect you, please record your name and the reason for your call."],
    "test": ["Hi, if you record your name and reason for calling, I'll see if this person is available.",
             "Hi, the person you're calling is using a screening service from Google, and will get a copy of this conversation. Go ahead and "
             "say your name, and why you're calling.",
             "The person you are trying to reach is using call screening. Please state your name after the tone, and the person will be "
             "notified.",
             "Please say your name and the reason for your call, and stay on the line."],
}

IVR = {
    "dev": ["Thank you for calling Northern Bank. For account balances, press one. For cards, press two. For all other questions, please hold.",
            "Welcome to the city library. Press one for opening hours, or two to renew a book."],
    "test": ["Thank you for calling Acme Insurance. To report a claim, press one. For billing, press two. To speak to an agent, press zero.",
             "Welcome to the Grand Hotel. If you know your party's extension, you may dial it at any time. For reservations, press one.",
             "For English, press one. Para espanol, oprima numero dos.",
             "Your call is important to us. Please listen carefully, as our menu options have changed. For sales, press one."],
}

# Debian's recorded voice (asterisk-core-sounds-en, CC-BY-SA-3.0), used in the test half only. Names of sound files; a number is a
# pause in milliseconds.
RECORDED = [
    ("human", ["hello"]),
    ("human", ["hello-world"]),
    ("human", ["im-sorry"]),
    ("voicemail", ["vm-theperson", "digits/5", "digits/5", "digits/5", "digits/2", "vm-isunavail", "vm-intro"]),
    ("voicemail", ["vm-intro"]),
    ("voicemail", ["vm-theperson", "digits/4", "digits/7", "digits/1", "vm-isonphone", 300, "vm-intro"]),
    ("screening", ["priv-recordintro"]),
    ("screening", ["privacy-prompt"]),
    ("ivr", ["basic-pbx-ivr-main"]),
    ("ivr", ["vm-opts"]),
    ("ivr", ["demo-congrats"]),
    ("ivr", ["conf-usermenu"]),
    ("sit", ["@sit", "cannot-complete-as-dialed", 300, "check-number-dial-again"]),
    ("sit", ["@sit", "all-circuits-busy-now", 200, "please-try-call-later"]),
]

# Hz, ms, ms of silence before it.
BEEPS = [(1000, 500, 300), (440, 1000, 800), (1400, 200, 100), (2000, 100, 1500), (850, 400, 40), (620, 150, 600), (1004, 1000, 2200),
         (1750, 300, 250), (950, 120, 900), (520, 250, 1200)]

# Per country: bursts of (Hz, Hz or 0, ms on, ms off).
BUSY = {"us": [(480, 620, 500, 500)], "us-reorder": [(480, 620, 250, 250)], "eu": [(425, 0, 500, 500)], "eu-congestion": [(425, 0, 250, 250)],
        "uk": [(400, 0, 375, 375)], "fr": [(440, 0, 500, 500)], "it": [(425, 0, 200, 200)], "jp": [(400, 0, 500, 500)]}
RING = {"us": [(440, 480, 2000, 4000)], "eu": [(425, 0, 1000, 4000)], "uk": [(400, 450, 400, 200), (400, 450, 400, 2000)],
        "fr": [(440, 0, 1500, 3500)]}
SIT = {"intercept": [(913.8, 274), (1370.6, 274), (1776.7, 380)], "vacant": [(985.2, 380), (1370.6, 274), (1776.7, 380)],
       "reorder": [(913.8, 274), (1428.5, 380), (1776.7, 380)], "no-circuit": [(985.2, 380), (1428.5, 380), (1776.7, 380)],
       "itu": [(950, 330), (1400, 330), (1800, 330)]}
