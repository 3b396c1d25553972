"""Who takes over from whom, what closes or can only be then: pairs in which that changes what was said, and others."""

from changing_later import read

HANDS = read("""
My dentist appointment is on Tuesday at 3. | Scratch that, make it Thurs.
> My dentist appointment is on Thursday at 3.

The plumber is coming on Monday morning. | The plumber rang, he can only do Wednesday morning.
> The plumber is coming on Wednesday morning.

My deadline for the grant report is 10 February. | Simone's given me until 25 February for the grant report.

My boss is Karin. | Karin has retired, so Lena is my boss now.
> My boss is Lena.

Karin is my boss. | Lena is my boss now.
> Lena is my boss.

My GP is Dr Patel. | Dr Patel has left, my GP is Dr Anand now.
> My GP is Dr Anand.

My tutor is Mr Hale. | Ms Reyes has taken over from Mr Hale as my tutor.

My physio is Mr Hale. | Ms Reyes will be my physio from now on.
> My physio is Ms Reyes.

The party is at the Crown. | The Crown has closed, so the party is at the Plough now.
> The party is at the Plough.

The wedding is in Leeds. | We've had to move the wedding to York.
> The wedding is in York.

I work in the Bristol office. | I've been transferred to the Cardiff office.
""")

STAYING_HANDS = [
    ("My boss is Karin.", "Karin left a message for Lena."),
    ("My boss is Karin.", "Nobody is my boss now."),
    ("My boss is Karin.", "She is my boss now."),
    ("My boss is Karin.", "Lena is my favourite boss."),
    ("My dentist is Lena.", "Tom is my sister's dentist now."),
    ("Lena is my dentist.", "Tom is my dentist's assistant now."),
    ("My coach is Ana.", "Ben is my brother's coach now and Ana is mine."),
    ("My teacher is Ana.", "Ben is my piano teacher now."),
    ("My GP is Dr Patel.", "Dr Patel's brother died, Dr Anand told me."),
    ("My tutor is Mr Hale.", "Mr Hale retired from football, and Ms Reyes is my sister's tutor now."),
    ("My yoga teacher is Ben.", "Ana took over from Cleo as my piano teacher."),
    ("I have yoga on Monday.", "Ana took over from Ben as yoga teacher on Friday."),
    ("My essay is due on 3 May.", "My boss gave me until 9 May for the report."),
    ("The lease ends on 4 May.", "My landlord gave me until 9 May to paint the hall."),
    ("My dentist is on Tuesday.", "The plumber can only do Wednesday."),
    ("I can swim 20 lengths.", "I can only do 12 push-ups."),
    ("My rent is 850 euros.", "I've been transferred 900 euros by Tom."),
    ("I work in the Bristol office.", "My sister has been transferred to the Cardiff office."),
    ("My shop is in Leeds.", "The shop in York has closed."),
    ("The party is at the Crown.", "I have to move my car to the Plough."),
]
