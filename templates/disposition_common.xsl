<?xml version="1.0" encoding="UTF-8"?>
<!-- Words of the mails about orders (disposisi) that text and HTML share: days, states, what the mail is about, how to answer it.
     Input is the document of order_mail: mail(@kind @reader @by ...)/letter, text, enclosure*, person*, choice*, trail/order*. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:variable name="mail" select="/mail"/>
  <xsl:variable name="kind" select="/mail/@kind"/>
  <xsl:variable name="letter" select="/mail/letter"/>
  <xsl:variable name="about" select="/mail/trail//order[@about = 'yes']"/>
  <!-- Who is asked to do something: he gets the ways of answering. -->
  <xsl:variable name="asked" select="$kind = 'order' or $kind = 'reminder'"/>
  <xsl:variable name="may-order" select="count(/mail/person) &gt; 0"/>
  <!-- Who is likely to give an order next sees whom and what he can name. -->
  <xsl:variable name="list-people" select="$may-order and ($asked or $kind = 'declined' or $kind = 'escalation')"/>

  <xsl:template name="day">
    <xsl:param name="iso"/>
    <xsl:variable name="names">Januari  Februari Maret    April    Mei      Juni     Juli     Agustus  SeptemberOktober  November Desember </xsl:variable>
    <xsl:value-of select="concat(number(substring($iso, 9, 2)), ' ',
        normalize-space(substring($names, (number(substring($iso, 6, 2)) - 1) * 9 + 1, 9)), ' ', substring($iso, 1, 4))"/>
  </xsl:template>

  <!-- 24 Nov 2026 08.10 -->
  <xsl:template name="moment">
    <xsl:param name="iso"/>
    <xsl:variable name="names">JanFebMarAprMeiJunJulAguSepOktNovDes</xsl:variable>
    <xsl:value-of select="concat(number(substring($iso, 9, 2)), ' ',
        substring($names, (number(substring($iso, 6, 2)) - 1) * 3 + 1, 3), ' ', substring($iso, 1, 4), ' ',
        substring($iso, 12, 2), '.', substring($iso, 15, 2))"/>
  </xsl:template>

  <!-- Jumat, 27 November 2026 pukul 16.00 -->
  <xsl:template name="due">
    <xsl:param name="iso"/>
    <xsl:param name="weekday"/>
    <xsl:variable name="names">MingguSenin SelasaRabu  Kamis Jumat Sabtu </xsl:variable>
    <xsl:value-of select="concat(normalize-space(substring($names, $weekday * 6 + 1, 6)), ', ')"/>
    <xsl:call-template name="day"><xsl:with-param name="iso" select="$iso"/></xsl:call-template>
    <xsl:value-of select="concat(' pukul ', substring($iso, 12, 2), '.', substring($iso, 15, 2))"/>
  </xsl:template>

  <!-- What became of an order; context: order. -->
  <xsl:template name="state">
    <xsl:choose>
      <xsl:when test="@state = 'done'">selesai</xsl:when>
      <xsl:when test="@state = 'declined'">ditolak</xsl:when>
      <xsl:when test="@state = 'recalled'">dibatalkan</xsl:when>
      <xsl:when test="@undelivered">TIDAK SAMPAI, surelnya tidak dapat disampaikan</xsl:when>
      <xsl:when test="@open = 'no'">untuk diketahui</xsl:when>
      <xsl:when test="@state = 'reported'">sudah melapor, belum selesai</xsl:when>
      <xsl:when test="@state = 'passed_on'">diteruskan</xsl:when>
      <xsl:otherwise>belum dijawab</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="instructions">
    <xsl:for-each select="instruction">
      <xsl:if test="position() &gt; 1">; </xsl:if>
      <xsl:value-of select="."/>
    </xsl:for-each>
    <xsl:if test="not(instruction)">lihat catatan</xsl:if>
  </xsl:template>

  <xsl:template name="names">
    <xsl:for-each select="$about">
      <xsl:if test="position() &gt; 1 and position() &lt; last()">, </xsl:if>
      <xsl:if test="position() &gt; 1 and position() = last()"> dan </xsl:if>
      <xsl:value-of select="@to"/>
    </xsl:for-each>
  </xsl:template>

  <!-- What the mail is about, in one or two sentences. -->
  <xsl:template name="lead">
    <xsl:choose>
      <xsl:when test="$kind = 'order'"><xsl:value-of select="concat($about/@from, ' memberi Saudara disposisi atas surat ini.')"/></xsl:when>
      <xsl:when test="$kind = 'given'">Disposisi Saudara sudah dicatat dan dikirim.</xsl:when>
      <xsl:when test="$kind = 'report'"><xsl:value-of select="concat($about/@to, ' melaporkan.')"/></xsl:when>
      <xsl:when test="$kind = 'done'"><xsl:value-of select="concat($about/@to, ' menyelesaikan disposisi Saudara.')"/></xsl:when>
      <xsl:when test="$kind = 'declined'"><xsl:value-of select="concat($about/@to, ' menolak disposisi Saudara.')"/></xsl:when>
      <xsl:when test="$kind = 'recalled'"><xsl:value-of select="concat($mail/@by, ' membatalkan disposisi kepada Saudara. Tidak ada lagi yang perlu Saudara kerjakan.')"/></xsl:when>
      <xsl:when test="$kind = 'recalled_given'">Disposisi kepada <xsl:call-template name="names"/> dibatalkan. Penerimanya sudah diberi tahu.</xsl:when>
      <xsl:when test="$kind = 'noted'">Jawaban Saudara sudah dicatat dan disampaikan kepada <xsl:value-of select="$mail/@by"/>.</xsl:when>
      <xsl:when test="$kind = 'letter_done'">Surat ini selesai: tidak ada lagi disposisi yang terbuka.</xsl:when>
      <xsl:when test="$kind = 'reminder'"><xsl:value-of select="concat('Mengingatkan: disposisi dari ', $about/@from, ' belum selesai.')"/></xsl:when>
      <xsl:when test="$kind = 'escalation'"><xsl:value-of select="concat('Batas waktu disposisi Saudara kepada ', $about/@to, ' sudah lewat dan belum selesai.')"/></xsl:when>
      <xsl:when test="not($mail/trail/order)">Surat ini belum didisposisikan.</xsl:when>
      <xsl:otherwise>Riwayat disposisi surat ini.</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- What the reader can do now, one sentence; the ways of answering an order have a table of their own. -->
  <xsl:template name="next">
    <xsl:choose>
      <xsl:when test="$kind = 'given'">Salah? Balas BATAL dalam lima menit, selama belum ada penerima yang menjawab.</xsl:when>
      <xsl:when test="$kind = 'declined'">Balas surel ini untuk memberi disposisi kepada yang lain, misalnya: 1 TL besok. SELESAI menutup tanpa pengganti.</xsl:when>
      <xsl:when test="$mail/@letter_done = 'yes' and $kind = 'recalled_given'">Disposisi yang lain sudah selesai; dengan itu surat ini selesai.</xsl:when>
      <xsl:when test="$mail/@letter_done = 'yes' and $kind = 'done'">Dengan itu surat ini selesai.</xsl:when>
      <xsl:when test="($kind = 'done' or $kind = 'report') and $mail/@closed_below = 'yes'">Semua disposisi Saudara atas surat ini sudah selesai. Balas SELESAI untuk menutup tugas Saudara sendiri.</xsl:when>
      <xsl:when test="$kind = 'report' or $kind = 'done'">Balas surel ini untuk memberi disposisi lagi.</xsl:when>
      <xsl:when test="$kind = 'escalation'">Balas surel ini untuk memberi disposisi kepada yang lain.</xsl:when>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
